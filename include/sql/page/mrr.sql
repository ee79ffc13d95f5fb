/* Grain: one row per period. From the MRR with which it opens to the one with which it closes. */
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
        m.opening_mrr_minor,
        m.new_minor,
        m.expansion_minor,
        m.reactivation_minor,
        m.contraction_minor,
        m.churn_minor,
        m.held_change_minor,
        m.closing_mrr_minor,
        m.is_complete
    from asked
    inner join mart.mrr_movement_monthly as m on asked.currency = m.currency and asked.livemode = m.livemode
    where
        asked.price_id is null
        and (asked.account_id is null or m.account_id = asked.account_id)
        and m.month >= asked.from_month
        and m.month < asked.until_month
    union all
    select
        p.account_id,
        p.month,
        p.opening_mrr_minor,
        p.new_minor,
        p.expansion_minor,
        p.reactivation_minor,
        p.contraction_minor,
        p.churn_minor,
        p.held_change_minor,
        p.closing_mrr_minor,
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
        (array_agg(monthly.opening_mrr_minor order by monthly.month))[1] as opening_mrr_minor,
        sum(monthly.new_minor) as new_minor,
        sum(monthly.expansion_minor) as expansion_minor,
        sum(monthly.reactivation_minor) as reactivation_minor,
        sum(monthly.contraction_minor) as contraction_minor,
        sum(monthly.churn_minor) as churn_minor,
        sum(monthly.held_change_minor) as held_change_minor,
        (array_agg(monthly.closing_mrr_minor order by monthly.month desc))[1] as closing_mrr_minor,
        max(monthly.month) as last_month,
        bool_and(monthly.is_complete) as is_complete
    from monthly
    cross join asked
    group by monthly.account_id, date_trunc(asked.grain, monthly.month::timestamp)
),

final as (
    select
        by_account.period,
        sum(by_account.opening_mrr_minor) as opening_mrr_minor,
        sum(by_account.new_minor) as new_minor,
        sum(by_account.expansion_minor) as expansion_minor,
        sum(by_account.reactivation_minor) as reactivation_minor,
        sum(by_account.contraction_minor) as contraction_minor,
        sum(by_account.churn_minor) as churn_minor,
        sum(by_account.held_change_minor) as held_change_minor,
        sum(by_account.closing_mrr_minor) as closing_mrr_minor,
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
