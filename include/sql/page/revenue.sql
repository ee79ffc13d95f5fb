/* Grain: one row per period. What came in, what went back, what Stripe kept, what is left. */
with asked as (
    select
        $1::text as currency,
        $2::text as account_id, -- null: all of them
        $3::boolean as livemode,
        $4::date as from_month,
        $5::date as until_month, -- exclusive
        $6::text as grain, -- month or quarter
        case $6::text when 'quarter' then 3 else 1 end as months,
        $7::text as price_id -- null: all plans
),

monthly as (
    select
        date_trunc('month', r.day::timestamp)::date as month,
        r.account_id,
        sum(r.gross_minor) as gross_minor,
        sum(r.refunded_minor) as refunded_minor,
        sum(r.disputed_minor) as disputed_minor,
        sum(r.net_minor) as net_minor,
        sum(r.fees_minor) as fees_minor,
        sum(r.net_after_fees_minor) as net_after_fees_minor
    from asked
    inner join mart.revenue_daily as r on asked.currency = r.currency and asked.livemode = r.livemode
    where
        (asked.account_id is null or r.account_id = asked.account_id)
        and r.day >= asked.from_month
        and r.day < asked.until_month
    group by date_trunc('month', r.day::timestamp), r.account_id
),

final as (
    select
        date_trunc(asked.grain, monthly.month::timestamp)::date as period,
        sum(monthly.gross_minor) as gross_minor,
        sum(monthly.refunded_minor) as refunded_minor,
        sum(monthly.disputed_minor) as disputed_minor,
        sum(monthly.net_minor) as net_minor,
        sum(monthly.fees_minor) as fees_minor,
        sum(monthly.net_after_fees_minor) as net_after_fees_minor,
        bool_and(coalesce(calendar.is_complete, false))
        and max(monthly.month)
        = date_trunc(asked.grain, max(monthly.month)::timestamp) + make_interval(months => asked.months - 1)
            as is_complete
    from monthly
    cross join asked
    left join mart.customer_activity_monthly as calendar
        on
            monthly.account_id = calendar.account_id
            and asked.livemode = calendar.livemode
            and asked.currency = calendar.currency
            and monthly.month = calendar.month
    group by date_trunc(asked.grain, monthly.month::timestamp), asked.grain, asked.months
)

select * from final
order by period;
