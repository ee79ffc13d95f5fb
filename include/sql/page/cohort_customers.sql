/* Grain: one row per cohort and period since. Of the customers of a period, how many still have MRR. */
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
        c.cohort_month,
        date_trunc(asked.grain, c.cohort_month::timestamp)::date as cohort,
        c.month,
        date_trunc(asked.grain, c.month::timestamp)::date as period,
        c.cohort_customers,
        c.active_customers,
        c.is_complete
    from asked
    inner join mart.cohort_retention_monthly as c on asked.currency = c.currency and asked.livemode = c.livemode
    where
        (asked.account_id is null or c.account_id = asked.account_id)
        and c.cohort_month >= asked.from_month
        and c.cohort_month < asked.until_month
),

ends as (
    -- of a quarter, its last month, or the last that there is
    select distinct on (account_id, cohort_month, period) *
    from monthly
    order by account_id asc, cohort_month asc, period asc, month desc
),

final as (
    select
        ends.cohort,
        (
            (extract(year from ends.period) - extract(year from ends.cohort)) * 12
            + extract(month from ends.period) - extract(month from ends.cohort)
        )::integer / asked.months as periods_since,
        sum(ends.cohort_customers)::bigint as cohort_customers,
        sum(ends.active_customers)::bigint as active_customers,
        sum(ends.active_customers) / nullif(sum(ends.cohort_customers), 0) as retention_rate,
        bool_and(ends.is_complete)
        and max(ends.month) = ends.period + make_interval(months => asked.months - 1) as is_complete
    from ends
    cross join asked
    group by ends.cohort, ends.period, asked.months
)

select * from final
order by cohort, periods_since;
