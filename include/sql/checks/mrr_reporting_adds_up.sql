/* Check: MRR of all currencies opens, moves and closes exactly, exchange rates included. Layer: mart. */
with worth as (
    -- anew, from the closing MRR of each currency and the rate of the last day that is known
    select
        moved.account_id,
        moved.livemode,
        moved.month,
        case
            when count(ops.converted(moved.closing_mrr_minor, rate.rate)) = count(*)
                then sum(ops.converted(moved.closing_mrr_minor, rate.rate))
        end as closing_mrr_minor
    from mart.mrr_movement_monthly as moved
    inner join (
        select account_id, livemode, currency, date_trunc('month', day)::date as month, max(day) as last_day
        from mart.mrr_daily
        group by account_id, livemode, currency, date_trunc('month', day)::date
    ) as calendar using (account_id, livemode, currency, month)
    left join mart.reporting_rate_daily as rate on moved.currency = rate.currency and calendar.last_day = rate.day
    group by moved.account_id, moved.livemode, moved.month
),

step as (
    select
        *,
        lag(closing_mrr_minor, 1, 0::numeric) over (
            partition by account_id, livemode order by month
        ) as closing_before_minor,
        opening_mrr_minor + new_minor + reactivation_minor + expansion_minor - contraction_minor - churn_minor
        - held_change_minor + fx_minor as moved_to_minor
    from mart.mrr_movement_reporting_monthly
)

select
    step.account_id,
    step.livemode,
    step.month,
    step.currency,
    step.opening_mrr_minor,
    step.closing_before_minor,
    step.moved_to_minor,
    step.closing_mrr_minor,
    worth.closing_mrr_minor as worth_minor
from step
left join worth using (account_id, livemode, month)
where
    step.opening_mrr_minor is distinct from step.closing_before_minor
    or step.closing_mrr_minor is distinct from worth.closing_mrr_minor
    -- null says that a rate is missing, which is named
    or case
        when step.currencies_without_rate is null
            then step.moved_to_minor is distinct from step.closing_mrr_minor
        else step.moved_to_minor <> step.closing_mrr_minor
    end
