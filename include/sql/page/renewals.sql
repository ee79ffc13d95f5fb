/* Grain: one row per plan (or, of one plan, per cohort) and renewal. How many paid their 1st, 2nd, ... renewal. */
with counted as (
    select
        case when $7::text is null then r.price_id end as price_id, -- all plans
        case when $7::text is not null then asked.period end as cohort,
        r.renewal,
        r.interval_count,
        r.interval_unit,
        r.started_subscriptions,
        r.billed_subscriptions,
        r.renewed_subscriptions
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.renewal_cohort_by_plan as r
        on
            asked.account_id = r.account_id
            and asked.livemode = r.livemode
            and asked.currency = r.currency
            and asked.month = r.cohort_month
    where
        -- only what has come to its end, as the share of the rest still grows
        r.is_complete
        and ($7::text is null or r.price_id = $7::text)
),

summed as (
    select
        price_id,
        cohort,
        interval_count || ' ' || interval_unit as renews_every,
        renewal,
        sum(started_subscriptions)::bigint as started_subscriptions,
        sum(billed_subscriptions)::bigint as billed_subscriptions,
        sum(renewed_subscriptions)::bigint as renewed_subscriptions,
        sum(renewed_subscriptions) / sum(started_subscriptions) as renewal_rate
    from counted
    group by price_id, cohort, interval_count, interval_unit, renewal
),

final as (
    select
        called.label as plan,
        summed.*
    from summed
    -- two plans may have one name: each has a label of its own
    left join mart.plan_label as called on summed.price_id = called.price_id and called.livemode = $2::boolean
)

select * from final
order by plan, cohort, renews_every, renewal;
