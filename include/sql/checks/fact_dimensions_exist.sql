/* Check: of each reference from facts to a dimension, no more are orphans than orphan_share_allowed. Layer: dwh. */
with reference as (
    select 'charge_fact' as fact, 'customer_dim' as dim, account_id, livemode, customer_id as object_id
    from dwh.charge_fact
    union all
    select 'charge_fact', 'payment_method_dim', account_id, livemode, payment_method_id
    from dwh.charge_fact
    union all
    select 'charge_fact', 'currency_dim', account_id, livemode, currency
    from dwh.charge_fact
    union all
    select 'charge_fact', 'date_dim', account_id, livemode, date_sk::text
    from dwh.charge_fact
    union all
    select 'refund_fact', 'charge_fact', account_id, livemode, charge_id
    from dwh.refund_fact
    union all
    select 'invoice_fact', 'customer_dim', account_id, livemode, customer_id
    from dwh.invoice_fact
    union all
    select 'invoice_fact', 'subscription_dim', account_id, livemode, subscription_id
    from dwh.invoice_fact
    union all
    select 'invoice_line_fact', 'price_dim', account_id, livemode, price_id
    from dwh.invoice_line_fact
    union all
    select 'invoice_line_fact', 'product_dim', account_id, livemode, product_id
    from dwh.invoice_line_fact
    union all
    select 'subscription_item_dim', 'price_dim', account_id, livemode, price_id
    from dwh.subscription_item_dim
    where is_current
),

known as (
    select 'customer_dim' as dim, account_id, livemode, customer_id as object_id from dwh.customer_dim where is_current
    union all
    select 'product_dim', account_id, livemode, product_id from dwh.product_dim where is_current
    union all
    select 'price_dim', account_id, livemode, price_id from dwh.price_dim where is_current
    union all
    select 'subscription_dim', account_id, livemode, subscription_id from dwh.subscription_dim where is_current
    union all
    select 'payment_method_dim', account_id, livemode, payment_method_id from dwh.payment_method_dim
    union all
    select 'charge_fact', account_id, livemode, charge_id from dwh.charge_fact
),

counted as (
    select
        reference.fact,
        reference.dim,
        count(*) as references_made,
        count(*) filter (
            where case reference.dim
                when 'currency_dim'
                    then not exists (select 1 from dwh.currency_dim where currency = reference.object_id)
                when 'date_dim'
                    then not exists (select 1 from dwh.date_dim where date_sk::text = reference.object_id)
                else known.object_id is null
            end
        ) as orphans
    from reference
    left join known using (dim, account_id, livemode, object_id)
    where reference.object_id is not null
    group by reference.fact, reference.dim
)

select
    counted.fact,
    counted.dim,
    counted.references_made,
    counted.orphans,
    counted.orphans > counted.references_made * policy.value::numeric as is_failing
from counted
cross join ops.policy as policy
where policy.name = 'orphan_share_allowed' and counted.orphans > 0
order by counted.fact, counted.dim
