/* Report: of the customers who paid in January, how many paid in February, in March, and so on?
   Parameters, in asked: the month, its first day. Whoever paid in it counts, new or not.
   Sources: mart.customer_payment_monthly, mart.customer_activity_monthly (the calendar), per account and currency. */
with asked as (
    select date '2026-01-01' as pool_month
),

pool as (
    select paid.account_id, paid.livemode, paid.currency, paid.customer_id
    from mart.customer_payment_monthly as paid
    inner join asked on paid.month = asked.pool_month
),

pool_size as (
    select account_id, livemode, currency, count(*) as pool_customers
    from pool
    group by account_id, livemode, currency
)

select
    pool_size.account_id,
    pool_size.livemode,
    pool_size.currency,
    calendar.month,
    pool_size.pool_customers,
    count(paid.customer_id) as customers_back,
    round(count(paid.customer_id)::numeric / pool_size.pool_customers, 4) as share_back,
    calendar.is_complete
from pool_size
cross join asked
-- each month through the last, also one in which nobody came back
inner join mart.customer_activity_monthly as calendar
    on
        pool_size.account_id = calendar.account_id
        and pool_size.livemode = calendar.livemode
        and pool_size.currency = calendar.currency
        and asked.pool_month < calendar.month
inner join pool
    on
        pool_size.account_id = pool.account_id
        and pool_size.livemode = pool.livemode
        and pool_size.currency = pool.currency
left join mart.customer_payment_monthly as paid
    on
        pool.account_id = paid.account_id
        and pool.livemode = paid.livemode
        and pool.currency = paid.currency
        and pool.customer_id = paid.customer_id
        and calendar.month = paid.month
group by
    pool_size.account_id, pool_size.livemode, pool_size.currency, calendar.month, pool_size.pool_customers,
    calendar.is_complete
order by pool_size.account_id asc, pool_size.livemode desc, pool_size.currency asc, calendar.month asc
