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
    ('payment_intent_fact', 'customer_dim', 'customer_id'),
    ('payment_intent_fact', 'currency_dim', 'currency'),
    ('payment_intent_fact', 'date_dim', 'date_sk'),
    ('invoice_payment_fact', 'invoice_fact', 'invoice_id'),
    ('invoice_payment_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('invoice_payment_fact', 'currency_dim', 'currency'),
    ('invoice_payment_fact', 'date_dim', 'date_sk'),
    ('dispute_fact', 'charge_fact', 'charge_id'),
    ('dispute_fact', 'currency_dim', 'currency'),
    ('dispute_fact', 'date_dim', 'date_sk'),
    ('credit_note_fact', 'invoice_fact', 'invoice_id'),
    ('credit_note_fact', 'customer_dim', 'customer_id'),
    ('credit_note_fact', 'currency_dim', 'currency'),
    ('credit_note_fact', 'date_dim', 'date_sk'),
    ('charge_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('refund_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('payout_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('balance_transaction_fact', 'currency_dim', 'currency'),
    ('balance_transaction_fact', 'date_dim', 'date_sk'),
    ('payout_fact', 'currency_dim', 'currency'),
    ('payout_fact', 'date_dim', 'date_sk'),
    ('discount_dim', 'coupon_dim', 'coupon_id'),
    ('discount_dim', 'customer_dim', 'customer_id'),
    ('coupon_dim', 'currency_dim', 'currency'),
    ('user_first_install_fact', 'client_dim', 'client_sk'),
    ('user_first_install_fact', 'channel_dim', 'channel_sk'),
    ('user_first_install_fact', 'date_dim', 'date_sk'),
    ('ad_spend_fact', 'channel_dim', 'channel_sk'),
    ('ad_spend_fact', 'currency_dim', 'currency'),
    ('ad_spend_fact', 'date_dim', 'date_sk'),
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
        when reference.dim in ('currency_dim', 'date_dim', 'client_dim', 'channel_dim') then 0
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
