/* Grain: one row per period. How much of the MRR with which it opens is there as it closes; quarters compounded. */
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
        r.month,
        date_trunc(asked.grain, r.month::timestamp)::date as period,
        sum(r.kept_minor) / nullif(sum(r.opening_mrr_minor + r.opening_held_minor), 0) as net_revenue_retention,
        sum(r.kept_without_expansion_minor) / nullif(sum(r.opening_mrr_minor + r.opening_held_minor), 0)
            as gross_revenue_retention,
        sum(m.new_minor + m.reactivation_minor + m.expansion_minor) as won_minor,
        sum(m.churn_minor + m.contraction_minor) as lost_minor,
        sum(m.expansion_minor) as expansion_minor,
        sum(r.opening_mrr_minor) as opening_mrr_minor,
        sum(r.opening_mrr_minor + r.opening_held_minor) as opening_minor,
        bool_and(r.is_complete) as is_complete
    from asked
    inner join mart.revenue_retention_monthly as r on asked.currency = r.currency and asked.livemode = r.livemode
    inner join mart.mrr_movement_monthly as m
        on
            r.account_id = m.account_id
            and r.livemode = m.livemode
            and r.currency = m.currency
            and r.month = m.month
    where
        (asked.account_id is null or r.account_id = asked.account_id)
        and r.month >= asked.from_month
        and r.month < asked.until_month
    group by r.month, asked.grain
),

placed as (
    select
        *,
        row_number() over (partition by period order by month) as place
    from monthly
),

final as (
    select
        placed.period,
        (array_agg(placed.opening_mrr_minor order by placed.month))[1] as opening_mrr_minor,
        -- the product of the months; null where the first has no opening MRR
        max(placed.net_revenue_retention) filter (where placed.place = 1)
        * coalesce(max(placed.net_revenue_retention) filter (where placed.place = 2), 1)
        * coalesce(max(placed.net_revenue_retention) filter (where placed.place = 3), 1) as net_revenue_retention,
        max(placed.gross_revenue_retention) filter (where placed.place = 1)
        * coalesce(max(placed.gross_revenue_retention) filter (where placed.place = 2), 1)
        * coalesce(max(placed.gross_revenue_retention) filter (where placed.place = 3), 1) as gross_revenue_retention,
        sum(placed.lost_minor)
        / nullif((array_agg(placed.opening_minor order by placed.month))[1], 0) as gross_mrr_churn_rate,
        (sum(placed.lost_minor) - sum(placed.expansion_minor))
        / nullif((array_agg(placed.opening_minor order by placed.month))[1], 0) as net_mrr_churn_rate,
        sum(placed.won_minor) / nullif(sum(placed.lost_minor), 0) as quick_ratio,
        bool_and(placed.is_complete)
        and max(placed.month) = placed.period + make_interval(months => asked.months - 1) as is_complete
    from placed
    cross join asked
    group by placed.period, asked.months
)

select * from final
order by period;
