/* Grain: one row per period. What a customer brings a month as it ends, and what one is worth. */
with monthly as (
    select
        asked.*,
        case when asked.is_converted then m.closing_mrr_reporting_minor else m.closing_mrr_minor end
            as closing_mrr_minor,
        m.paying_customers,
        c.churned_customers,
        c.opening_customers + case denominator.value when 'opening' then 0 else c.started_customers end
            as base_customers,
        asked.month = max(asked.month) over (partition by asked.account_id, asked.currency, asked.period) as is_last
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.subscriber_churn_monthly as c using (account_id, livemode, currency, month)
    inner join mart.mrr_movement_monthly as m using (account_id, livemode, currency, month)
    cross join mart.policy as denominator
    where denominator.policy = 'churn_denominator'
),

summed as (
    select
        period,
        dwh.whole_sum(closing_mrr_minor) filter (where is_last) as closing_mrr_minor,
        sum(paying_customers) filter (where is_last)::bigint as paying_customers,
        -- a month's: that of a quarter is the mean of its months, weighted by their customers
        sum(churned_customers) / nullif(sum(base_customers), 0) as churn_rate,
        string_agg(distinct currency, ', ') filter (where is_last and closing_mrr_minor is null)
            as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from monthly
    group by period
),

final as (
    select
        *,
        closing_mrr_minor / nullif(paying_customers, 0) as arpu_minor,
        closing_mrr_minor / nullif(paying_customers, 0) * dwh.gross_margin() / nullif(churn_rate, 0) as ltv_minor
    from summed
)

select * from final
order by period;
