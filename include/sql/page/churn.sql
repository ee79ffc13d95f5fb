/* Grain: one row per period. How many subscribers left, of how many, and whether they wanted to. */
with monthly as (
    select
        asked.period,
        asked.is_complete,
        c.opening_customers,
        c.started_customers,
        c.churned_customers,
        c.voluntary_customers,
        c.involuntary_customers,
        c.other_customers,
        asked.month = min(asked.month) over (partition by asked.account_id, asked.currency, asked.period) as is_first
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.subscriber_churn_monthly as c using (account_id, livemode, currency, month)
),

summed as (
    select
        period,
        sum(opening_customers) filter (where is_first)::bigint as opening_customers,
        sum(started_customers)::bigint as started_customers,
        sum(churned_customers)::bigint as churned_customers,
        sum(voluntary_customers)::bigint as voluntary_customers,
        sum(involuntary_customers)::bigint as involuntary_customers,
        sum(other_customers)::bigint as other_customers,
        bool_and(is_complete) as is_complete
    from monthly
    group by period
),

final as (
    select
        summed.*,
        summed.churned_customers::numeric / nullif(
            summed.opening_customers
            + case denominator.value when 'opening' then 0 else summed.started_customers end,
            0
        ) as churn_rate
    from summed
    cross join mart.policy as denominator
    where denominator.policy = 'churn_denominator'
)

select * from final
order by period;
