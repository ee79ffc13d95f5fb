/* Grain: one row per period. What a customer brings a month as it ends, and what one is worth. */
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
        date_trunc(asked.grain, c.month::timestamp)::date as period,
        c.month,
        sum(m.closing_mrr_minor) as closing_mrr_minor,
        sum(m.paying_customers) as paying_customers,
        sum(c.churned_customers) as churned_customers,
        sum(
            c.opening_customers + case denominator.value when 'opening' then 0 else c.started_customers end
        ) as base_customers,
        bool_and(c.is_complete) as is_complete
    from asked
    inner join mart.subscriber_churn_monthly as c on asked.currency = c.currency and asked.livemode = c.livemode
    inner join mart.mrr_movement_monthly as m
        on
            c.account_id = m.account_id
            and c.livemode = m.livemode
            and c.currency = m.currency
            and c.month = m.month
    cross join mart.policy as denominator
    where
        denominator.policy = 'churn_denominator'
        and (asked.account_id is null or c.account_id = asked.account_id)
        and c.month >= asked.from_month
        and c.month < asked.until_month
    group by c.month, asked.grain
),

summed as (
    select
        monthly.period,
        (array_agg(monthly.closing_mrr_minor order by monthly.month desc))[1] as closing_mrr_minor,
        (array_agg(monthly.paying_customers order by monthly.month desc))[1]::bigint as paying_customers,
        -- a month's: that of a quarter is the mean of its months, weighted by their customers
        sum(monthly.churned_customers) / nullif(sum(monthly.base_customers), 0) as churn_rate,
        bool_and(monthly.is_complete)
        and max(monthly.month) = monthly.period + make_interval(months => asked.months - 1) as is_complete
    from monthly
    cross join asked
    group by monthly.period, asked.months
),

final as (
    select
        summed.period,
        summed.closing_mrr_minor,
        summed.paying_customers,
        summed.closing_mrr_minor / nullif(summed.paying_customers, 0) as arpu_minor,
        summed.churn_rate,
        summed.closing_mrr_minor / nullif(summed.paying_customers, 0) * margin.value::numeric
        / nullif(summed.churn_rate, 0) as ltv_minor,
        summed.is_complete
    from summed
    cross join mart.policy as margin
    where margin.policy = 'gross_margin'
)

select * from final
order by period;
