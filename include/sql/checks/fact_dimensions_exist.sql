/* Check: no more references from facts lead nowhere than orphan_share_allowed. Layer: dwh. */
with reference (fact, dim, key) as (
    values
    ('charge_fact', 'customer_dim', 'customer_id'),
    ('charge_fact', 'payment_method_dim', 'payment_method_id'),
    ('charge_fact', 'currency_dim', 'currency'),
    ('charge_fact', 'date_dim', 'date_sk'),
    ('refund_fact', 'charge_fact', 'charge_id'),
    ('refund_fact', 'currency_dim', 'currency'),
    ('refund_fact', 'date_dim', 'date_sk'),
    ('invoice_fact', 'customer_dim', 'customer_id'),
    ('invoice_fact', 'subscription_dim', 'subscription_id'),
    ('invoice_fact', 'currency_dim', 'currency'),
    ('invoice_fact', 'date_dim', 'date_sk'),
    ('invoice_line_fact', 'price_dim', 'price_id'),
    ('invoice_line_fact', 'product_dim', 'product_id'),
    ('invoice_line_fact', 'currency_dim', 'currency'),
    ('transaction_fact', 'customer_dim', 'customer_id'),
    ('transaction_fact', 'currency_dim', 'currency'),
    ('transaction_fact', 'date_dim', 'date_sk')
),

policy as (
    select coalesce((select value from ops.policy where name = 'orphan_share_allowed'), '0.05')::numeric as share
)

select
    reference.fact,
    reference.dim,
    counted.references_made,
    counted.orphans as failing,
    case
        when reference.dim in ('currency_dim', 'date_dim') then 0
        -- before a kind of object has been listed once, those from before the events cannot be there
        when
            reference.dim <> 'payment_method_dim'
            and not exists (
                select 1
                from ops.batch as b
                where b.source = 'list' and b.object_type = regexp_replace(reference.dim, '_(dim|fact)$', '')
            )
            then counted.references_made
        -- a share of a handful is no share
        else greatest(10, floor(counted.references_made * policy.share))
    end as allowed
from reference
cross join policy
cross join lateral ops.count_orphans(reference.fact, reference.dim, reference.key) as counted
where counted.orphans > 0
order by reference.fact, reference.dim
