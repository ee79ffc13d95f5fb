/* Check: the marts show every movement of money once, per currency. Layer: mart. */
with fact as (
    select
        account_id, livemode, currency,
        sum(amount_minor) as net_minor,
        coalesce(sum(amount_minor) filter (where transaction_type = 'charge' and customer_id is not null), 0)
            as customer_gross_minor
    from dwh.transaction_fact
    inner join ops.reported_mode using (livemode)
    group by account_id, livemode, currency
),

daily as (
    select account_id, livemode, currency, sum(net_minor) as net_minor
    from mart.revenue_daily
    group by account_id, livemode, currency
),

monthly as (
    select account_id, livemode, currency, sum(revenue_minor) as customer_gross_minor
    from mart.customer_activity_monthly
    group by account_id, livemode, currency
)

select
    account_id, livemode, currency, fact.net_minor, daily.net_minor as daily_minor, fact.customer_gross_minor,
    monthly.customer_gross_minor as monthly_minor
from fact
full join daily using (account_id, livemode, currency)
full join monthly using (account_id, livemode, currency)
where
    -- a currency may have nothing but fees
    coalesce(fact.net_minor, 0) <> coalesce(daily.net_minor, 0)
    or coalesce(fact.customer_gross_minor, 0) <> coalesce(monthly.customer_gross_minor, 0)
