/* Grain: one row per plan (or, of one plan, per cohort) and renewal. How many paid their 1st, 2nd, ... renewal. */
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

plan as (
    select distinct on (account_id, livemode, price_id) account_id, livemode, price_id, product_name, price_nickname
    from mart.mrr_by_plan_monthly
    order by account_id asc, livemode asc, price_id asc, month desc
),

counted as (
    select
        case
            when asked.price_id is null
                then
                    concat_ws(
                        ' · ', coalesce(plan.product_name, r.product_id), coalesce(plan.price_nickname, r.price_id)
                    )
        end as plan,
        case
            when asked.price_id is not null then date_trunc(asked.grain, r.cohort_month::timestamp)::date
        end as cohort,
        r.renewal,
        r.interval_count,
        r.interval_unit,
        r.started_subscriptions,
        r.billed_subscriptions,
        r.renewed_subscriptions
    from asked
    inner join mart.renewal_cohort_by_plan as r
        on asked.currency = r.currency and asked.livemode = r.livemode
    left join plan on r.account_id = plan.account_id and r.livemode = plan.livemode and r.price_id = plan.price_id
    where
        -- only what has come to its end, as the share of the rest still grows
        r.is_complete
        and (asked.account_id is null or r.account_id = asked.account_id)
        and (asked.price_id is null or r.price_id = asked.price_id)
        and r.cohort_month >= asked.from_month
        and r.cohort_month < asked.until_month
),

final as (
    select
        plan,
        cohort,
        interval_count || ' ' || interval_unit as renews_every,
        renewal,
        sum(started_subscriptions)::bigint as started_subscriptions,
        sum(billed_subscriptions)::bigint as billed_subscriptions,
        sum(renewed_subscriptions)::bigint as renewed_subscriptions,
        sum(renewed_subscriptions) / sum(started_subscriptions) as renewal_rate
    from counted
    group by plan, cohort, interval_count, interval_unit, renewal
)

select * from final
order by plan, cohort, renews_every, renewal;
