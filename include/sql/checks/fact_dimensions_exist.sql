/* Check: no more references from facts lead nowhere than orphan_share_allowed. Layer: dwh. */
with counted as (
    select
        'charge_fact' as fact,
        reference.dim,
        sum(reference.made)::bigint as references_made,
        sum(reference.orphan)::bigint as orphans
    from dwh.charge_fact as f
    left join dwh.customer_dim as customer
        on
            f.account_id = customer.account_id
            and f.livemode = customer.livemode
            and f.customer_id = customer.customer_id
            and customer.is_current
    left join dwh.payment_method_dim as payment_method
        on
            f.account_id = payment_method.account_id
            and f.livemode = payment_method.livemode
            and f.payment_method_id = payment_method.payment_method_id
    left join dwh.currency_dim as currency on f.currency = currency.currency
    left join dwh.date_dim as calendar on f.date_sk = calendar.date_sk
    cross join
        lateral (
            values
            ('customer', (f.customer_id is not null)::int, (f.customer_id > '' and customer.customer_id is null)::int),
            (
                'payment_method',
                (f.payment_method_id is not null)::int,
                (f.payment_method_id > '' and payment_method.payment_method_id is null)::int
            ),
            ('currency', (f.currency is not null)::int, (f.currency > '' and currency.currency is null)::int),
            ('date', (f.date_sk is not null)::int, (f.date_sk > 0 and calendar.date_sk is null)::int)
        ) as reference (dim, made, orphan)
    group by reference.dim
    union all
    select
        'refund_fact',
        reference.dim,
        sum(reference.made),
        sum(reference.orphan)
    from dwh.refund_fact as f
    left join dwh.charge_fact as charge
        on f.account_id = charge.account_id and f.livemode = charge.livemode and f.charge_id = charge.charge_id
    left join dwh.currency_dim as currency on f.currency = currency.currency
    left join dwh.date_dim as calendar on f.date_sk = calendar.date_sk
    cross join
        lateral (
            values
            ('charge', (f.charge_id is not null)::int, (f.charge_id > '' and charge.charge_id is null)::int),
            ('currency', (f.currency is not null)::int, (f.currency > '' and currency.currency is null)::int),
            ('date', (f.date_sk is not null)::int, (f.date_sk > 0 and calendar.date_sk is null)::int)
        ) as reference (dim, made, orphan)
    group by reference.dim
    union all
    select
        'invoice_fact',
        reference.dim,
        sum(reference.made),
        sum(reference.orphan)
    from dwh.invoice_fact as f
    left join dwh.customer_dim as customer
        on
            f.account_id = customer.account_id
            and f.livemode = customer.livemode
            and f.customer_id = customer.customer_id
            and customer.is_current
    left join dwh.subscription_dim as subscription
        on
            f.account_id = subscription.account_id
            and f.livemode = subscription.livemode
            and f.subscription_id = subscription.subscription_id
            and subscription.is_current
    left join dwh.currency_dim as currency on f.currency = currency.currency
    left join dwh.date_dim as calendar on f.date_sk = calendar.date_sk
    cross join
        lateral (
            values
            ('customer', (f.customer_id is not null)::int, (f.customer_id > '' and customer.customer_id is null)::int),
            (
                'subscription',
                (f.subscription_id is not null)::int,
                (f.subscription_id > '' and subscription.subscription_id is null)::int
            ),
            ('currency', (f.currency is not null)::int, (f.currency > '' and currency.currency is null)::int),
            ('date', (f.date_sk is not null)::int, (f.date_sk > 0 and calendar.date_sk is null)::int)
        ) as reference (dim, made, orphan)
    group by reference.dim
    union all
    select
        'invoice_line_fact',
        reference.dim,
        sum(reference.made),
        sum(reference.orphan)
    from dwh.invoice_line_fact as f
    left join dwh.price_dim as price
        on
            f.account_id = price.account_id
            and f.livemode = price.livemode
            and f.price_id = price.price_id
            and price.is_current
    left join dwh.product_dim as product
        on
            f.account_id = product.account_id
            and f.livemode = product.livemode
            and f.product_id = product.product_id
            and product.is_current
    left join dwh.currency_dim as currency on f.currency = currency.currency
    cross join
        lateral (
            values
            ('price', (f.price_id is not null)::int, (f.price_id > '' and price.price_id is null)::int),
            ('product', (f.product_id is not null)::int, (f.product_id > '' and product.product_id is null)::int),
            ('currency', (f.currency is not null)::int, (f.currency > '' and currency.currency is null)::int)
        ) as reference (dim, made, orphan)
    group by reference.dim
    union all
    select
        'transaction_fact',
        reference.dim,
        sum(reference.made),
        sum(reference.orphan)
    from dwh.transaction_fact as f
    left join dwh.customer_dim as customer
        on
            f.account_id = customer.account_id
            and f.livemode = customer.livemode
            and f.customer_id = customer.customer_id
            and customer.is_current
    left join dwh.currency_dim as currency on f.currency = currency.currency
    left join dwh.date_dim as calendar on f.date_sk = calendar.date_sk
    cross join
        lateral (
            values
            ('customer', (f.customer_id is not null)::int, (f.customer_id > '' and customer.customer_id is null)::int),
            ('currency', (f.currency is not null)::int, (f.currency > '' and currency.currency is null)::int),
            ('date', (f.date_sk is not null)::int, (f.date_sk > 0 and calendar.date_sk is null)::int)
        ) as reference (dim, made, orphan)
    group by reference.dim
),

policy as (
    select coalesce((select value from ops.policy where name = 'orphan_share_allowed'), '0.05')::numeric as share
)

select
    counted.fact,
    counted.dim,
    counted.references_made,
    counted.orphans as failing,
    case
        when counted.dim in ('currency', 'date') then 0
        -- before the objects have been listed once, those from before the events cannot be there
        when
            counted.dim <> 'payment_method'
            and not exists (select 1 from ops.batch as b where b.source = 'list' and b.object_type = counted.dim)
            then counted.references_made
        -- a share of a handful is no share
        else greatest(10, floor(counted.references_made * policy.share))
    end as allowed
from counted
cross join policy
where counted.orphans > 0
order by counted.fact, counted.dim
