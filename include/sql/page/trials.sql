/* Grain: one row per period in which trials ended. How many of them became customers. */
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
        date_trunc(asked.grain, t.month::timestamp)::date as period,
        t.month,
        sum(t.trials) as trials,
        sum(t.converted_trials) as converted_trials,
        bool_and(t.is_complete) as is_complete
    from asked
    inner join mart.trial_conversion_monthly as t on asked.currency = t.currency and asked.livemode = t.livemode
    where
        t.basis = 'ended'
        and (asked.account_id is null or t.account_id = asked.account_id)
        and t.month >= asked.from_month
        and t.month < asked.until_month
    group by t.month, asked.grain
),

final as (
    select
        period,
        sum(trials)::bigint as trials,
        sum(converted_trials)::bigint as converted_trials,
        sum(converted_trials) / nullif(sum(trials), 0) as conversion_rate,
        bool_and(is_complete) as is_complete
    from monthly
    group by period
)

select * from final
order by period;
