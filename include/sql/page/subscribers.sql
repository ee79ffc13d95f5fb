/* Grain: one row per period. How many customers have MRR as it ends, and how many came and left. */
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
        m.account_id,
        m.month,
        m.paying_customers,
        m.new_customers,
        m.reactivated_customers,
        m.churned_customers,
        m.is_complete
    from asked
    inner join mart.mrr_movement_monthly as m on asked.currency = m.currency and asked.livemode = m.livemode
    where
        asked.price_id is null
        and (asked.account_id is null or m.account_id = asked.account_id)
        and m.month >= asked.from_month
        and m.month < asked.until_month
    union all
    -- who is new to a plan may be none to the company: that is kept for all plans together
    select
        p.account_id,
        p.month,
        p.paying_customers,
        null as new_customers,
        null as reactivated_customers,
        null as churned_customers,
        p.is_complete
    from asked
    inner join mart.mrr_by_plan_monthly as p
        on asked.currency = p.currency and asked.livemode = p.livemode and asked.price_id = p.price_id
    where
        (asked.account_id is null or p.account_id = asked.account_id)
        and p.month >= asked.from_month
        and p.month < asked.until_month
),

by_account as (
    select
        monthly.account_id,
        date_trunc(asked.grain, monthly.month::timestamp)::date as period,
        (array_agg(monthly.paying_customers order by monthly.month desc))[1] as paying_customers,
        sum(monthly.new_customers)::bigint as new_customers,
        sum(monthly.reactivated_customers)::bigint as reactivated_customers,
        sum(monthly.churned_customers)::bigint as churned_customers,
        max(monthly.month) as last_month,
        bool_and(monthly.is_complete) as is_complete
    from monthly
    cross join asked
    group by monthly.account_id, date_trunc(asked.grain, monthly.month::timestamp)
),

final as (
    select
        by_account.period,
        sum(by_account.paying_customers)::bigint as paying_customers,
        sum(by_account.new_customers)::bigint as new_customers,
        sum(by_account.reactivated_customers)::bigint as reactivated_customers,
        sum(by_account.churned_customers)::bigint as churned_customers,
        bool_and(
            by_account.is_complete
            and by_account.last_month = by_account.period + make_interval(months => asked.months - 1)
        ) as is_complete
    from by_account
    cross join asked
    group by by_account.period
)

select * from final
order by period;
