/* Grain: one row per period. How much of the MRR with which it opens is there as it closes; quarters compounded. */
with apart as (
    select
        asked.*,
        case when asked.is_converted then r.opening_mrr_reporting_minor else r.opening_mrr_minor end
            as opening_mrr_minor,
        case
            when asked.is_converted then r.opening_mrr_reporting_minor + r.opening_held_reporting_minor
            else r.opening_mrr_minor + r.opening_held_minor
        end as opening_minor,
        case when asked.is_converted then r.kept_reporting_minor else r.kept_minor end as kept_minor,
        case
            when asked.is_converted then r.kept_without_expansion_reporting_minor
            else r.kept_without_expansion_minor
        end as kept_without_expansion_minor,
        case
            when asked.is_converted
                then m.new_reporting_minor + m.reactivation_reporting_minor + m.expansion_reporting_minor
            else m.new_minor + m.reactivation_minor + m.expansion_minor
        end as won_minor,
        case
            when asked.is_converted then m.churn_reporting_minor + m.contraction_reporting_minor
            else m.churn_minor + m.contraction_minor
        end as lost_minor
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.revenue_retention_monthly as r using (account_id, livemode, currency, month)
    inner join mart.mrr_movement_monthly as m using (account_id, livemode, currency, month)
),

monthly as (
    select
        period,
        month,
        row_number() over (partition by period order by month) as place,
        dwh.whole_sum(opening_mrr_minor) as opening_mrr_minor,
        dwh.whole_sum(kept_minor) / nullif(dwh.whole_sum(opening_minor), 0) as net_revenue_retention,
        dwh.whole_sum(kept_without_expansion_minor) / nullif(dwh.whole_sum(opening_minor), 0)
            as gross_revenue_retention,
        dwh.whole_sum(won_minor) as won_minor,
        dwh.whole_sum(lost_minor) as lost_minor,
        string_agg(distinct currency, ', ') filter (
            where num_nulls(opening_minor, kept_minor, kept_without_expansion_minor, won_minor, lost_minor) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from apart
    group by period, month
),

compounded as (
    select
        period,
        dwh.whole_sum(opening_mrr_minor) filter (where place = 1) as opening_mrr_minor,
        -- the product of the months that there are; null where that of one is not known
        case
            when count(net_revenue_retention) = count(*)
                then
                    max(net_revenue_retention) filter (where place = 1)
                    * coalesce(max(net_revenue_retention) filter (where place = 2), 1)
                    * coalesce(max(net_revenue_retention) filter (where place = 3), 1)
        end as net_revenue_retention,
        case
            when count(gross_revenue_retention) = count(*)
                then
                    max(gross_revenue_retention) filter (where place = 1)
                    * coalesce(max(gross_revenue_retention) filter (where place = 2), 1)
                    * coalesce(max(gross_revenue_retention) filter (where place = 3), 1)
        end as gross_revenue_retention,
        dwh.whole_sum(won_minor) / nullif(dwh.whole_sum(lost_minor), 0) as quick_ratio,
        string_agg(distinct currencies_without_rate, ', ') as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from monthly
    group by period
),

final as (
    select
        *,
        -- what is not kept
        1 - gross_revenue_retention as gross_mrr_churn_rate,
        1 - net_revenue_retention as net_mrr_churn_rate
    from compounded
)

select * from final
order by period;
