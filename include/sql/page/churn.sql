/* Grain: one row per period. How many subscribers left, of how many, and whether they wanted to. */
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
        c.account_id,
        c.month,
        c.opening_customers,
        c.started_customers,
        c.churned_customers,
        c.voluntary_customers,
        c.involuntary_customers,
        c.other_customers,
        c.is_complete
    from asked
    inner join mart.subscriber_churn_monthly as c on asked.currency = c.currency and asked.livemode = c.livemode
    where
        (asked.account_id is null or c.account_id = asked.account_id)
        and c.month >= asked.from_month
        and c.month < asked.until_month
),

by_account as (
    select
        monthly.account_id,
        date_trunc(asked.grain, monthly.month::timestamp)::date as period,
        (array_agg(monthly.opening_customers order by monthly.month))[1] as opening_customers,
        sum(monthly.started_customers) as started_customers,
        sum(monthly.churned_customers) as churned_customers,
        sum(monthly.voluntary_customers) as voluntary_customers,
        sum(monthly.involuntary_customers) as involuntary_customers,
        sum(monthly.other_customers) as other_customers,
        max(monthly.month) as last_month,
        bool_and(monthly.is_complete) as is_complete
    from monthly
    cross join asked
    group by monthly.account_id, date_trunc(asked.grain, monthly.month::timestamp)
),

final as (
    select
        by_account.period,
        sum(by_account.opening_customers)::bigint as opening_customers,
        sum(by_account.started_customers)::bigint as started_customers,
        sum(by_account.churned_customers)::bigint as churned_customers,
        sum(by_account.voluntary_customers)::bigint as voluntary_customers,
        sum(by_account.involuntary_customers)::bigint as involuntary_customers,
        sum(by_account.other_customers)::bigint as other_customers,
        sum(by_account.churned_customers) / nullif(
            sum(by_account.opening_customers)
            + case denominator.value when 'opening' then 0 else sum(by_account.started_customers) end,
            0
        ) as churn_rate,
        bool_and(
            by_account.is_complete
            and by_account.last_month = by_account.period + make_interval(months => asked.months - 1)
        ) as is_complete
    from by_account
    cross join asked
    cross join mart.policy as denominator
    where denominator.policy = 'churn_denominator'
    group by by_account.period, denominator.value
)

select * from final
order by period;
