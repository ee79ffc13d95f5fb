/* Grain: one row per currency and day. MRR as each day ends, and what moved it. */
create materialized view mart.mrr_daily as
with moved as (
    select
        m.account_id,
        m.livemode,
        m.currency,
        m.day,
        sum(m.movement_minor) filter (where m.movement = 'new') as new_minor,
        sum(m.movement_minor) filter (where m.movement = 'reactivation') as reactivation_minor,
        sum(m.movement_minor) filter (where m.movement = 'expansion') as expansion_minor,
        -sum(m.movement_minor) filter (where m.movement = 'contraction') as contraction_minor,
        -sum(m.movement_minor) filter (where m.movement = 'churn') as churn_minor,
        sum(m.held_change_minor) as held_change_minor,
        sum(m.closing_mrr_minor - m.opening_mrr_minor) as change_minor,
        count(*) filter (where m.movement = 'new') as new_customers,
        count(*) filter (where m.movement = 'reactivation') as reactivated_customers,
        count(*) filter (where m.movement = 'churn') as churned_customers,
        count(*) filter (where m.closing_mrr_minor > 0 and m.opening_mrr_minor = 0)
        - count(*) filter (where m.closing_mrr_minor = 0 and m.opening_mrr_minor > 0) as paying_change,
        -- who is held is a subscriber still: comes with new, goes with churn
        count(*) filter (where m.movement in ('new', 'reactivation'))
        - count(*) filter (where m.movement = 'churn') as subscribers_change
    from ops.known_mrr_movement as m
    group by m.account_id, m.livemode, m.currency, m.day
),

calendar as materialized (
    select
        seen.account_id,
        seen.livemode,
        seen.currency,
        period.starts_on as day,
        period.is_complete
    from (
        select account_id, livemode, currency, min(day) as first_day
        from moved
        group by account_id, livemode, currency
    ) as seen
    cross join
        lateral ops.complete_periods(
            seen.account_id, seen.livemode, seen.first_day, interval '1 day'
        ) as period
),

summed as (
    select
        calendar.account_id,
        calendar.livemode,
        calendar.currency,
        calendar.day,
        coalesce(sum(moved.change_minor) over history, 0) - coalesce(moved.change_minor, 0) as opening_mrr_minor,
        coalesce(moved.new_minor, 0) as new_minor,
        coalesce(moved.reactivation_minor, 0) as reactivation_minor,
        coalesce(moved.expansion_minor, 0) as expansion_minor,
        coalesce(moved.contraction_minor, 0) as contraction_minor,
        coalesce(moved.churn_minor, 0) as churn_minor,
        coalesce(moved.held_change_minor, 0) as held_change_minor,
        coalesce(sum(moved.change_minor) over history, 0) as mrr_minor,
        12 * coalesce(sum(moved.change_minor) over history, 0) as arr_minor,
        coalesce(sum(moved.held_change_minor) over history, 0) as held_minor,
        coalesce(sum(moved.paying_change) over history, 0)::bigint as paying_customers,
        coalesce(sum(moved.subscribers_change) over history, 0)::bigint as subscribers,
        coalesce(moved.new_customers, 0) as new_customers,
        coalesce(moved.reactivated_customers, 0) as reactivated_customers,
        coalesce(moved.churned_customers, 0) as churned_customers,
        calendar.is_complete,
        rate.rate as reporting_rate,
        lag(rate.rate) over history as rate_before
    from calendar
    left join moved using (account_id, livemode, currency, day)
    left join mart.reporting_rate_daily as rate on calendar.currency = rate.currency and calendar.day = rate.day
    window history as (
        partition by calendar.account_id, calendar.livemode, calendar.currency order by calendar.day
    )
),

final as (
    select
        account_id,
        livemode,
        currency,
        day,
        opening_mrr_minor,
        new_minor,
        reactivation_minor,
        expansion_minor,
        contraction_minor,
        churn_minor,
        held_change_minor,
        mrr_minor,
        arr_minor,
        held_minor,
        paying_customers,
        subscribers,
        new_customers,
        reactivated_customers,
        churned_customers,
        is_complete,
        reporting_rate,
        ops.converted(opening_mrr_minor, rate_before) as opening_mrr_reporting_minor,
        ops.converted(new_minor, reporting_rate) as new_reporting_minor,
        ops.converted(reactivation_minor, reporting_rate) as reactivation_reporting_minor,
        ops.converted(expansion_minor, reporting_rate) as expansion_reporting_minor,
        ops.converted(contraction_minor, reporting_rate) as contraction_reporting_minor,
        ops.converted(churn_minor, reporting_rate) as churn_reporting_minor,
        ops.converted(held_change_minor, reporting_rate) as held_change_reporting_minor,
        -- what was there as the day began is worth another amount, and nothing else is
        ops.converted(opening_mrr_minor, reporting_rate - rate_before) as fx_reporting_minor,
        ops.converted(mrr_minor, reporting_rate) as mrr_reporting_minor,
        ops.converted(arr_minor, reporting_rate) as arr_reporting_minor
    from summed
)

select * from final;

create unique index mrr_daily_key on mart.mrr_daily (account_id, livemode, currency, day);
comment on materialized view mart.mrr_daily is
'Grain: one row per currency and day. mrr = opening + new + reactivation + expansion - contraction - churn - held.';
comment on column mart.mrr_daily.account_id is 'Stripe account (acct_...).';
comment on column mart.mrr_daily.livemode is 'False for test data.';
comment on column mart.mrr_daily.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.mrr_daily.day is 'Day in the reporting time zone; every day since the first with MRR.';
comment on column mart.mrr_daily.opening_mrr_minor is 'MRR as the day begins, minor units.';
comment on column mart.mrr_daily.new_minor is 'MRR of customers who never had any before.';
comment on column mart.mrr_daily.reactivation_minor is 'MRR of customers who had had some, and then none.';
comment on column mart.mrr_daily.expansion_minor is 'What customers with MRR added to it.';
comment on column mart.mrr_daily.contraction_minor is 'What customers took off it and kept some, as a positive number.';
comment on column mart.mrr_daily.churn_minor is 'MRR of customers who kept none, as a positive number.';
comment on column mart.mrr_daily.held_change_minor is
'What moved from MRR into pauses and free periods; negative when more came back. It is neither lost nor won.';
comment on column mart.mrr_daily.mrr_minor is 'MRR as the day ends, minor units.';
comment on column mart.mrr_daily.arr_minor is '12 x mrr_minor.';
comment on column mart.mrr_daily.held_minor is
'What was MRR and is paused or free as the day ends, minor units: outside MRR, and not lost.';
comment on column mart.mrr_daily.paying_customers is 'Customers with MRR as the day ends.';
comment on column mart.mrr_daily.subscribers is
'Customers with MRR or some that is held: paying_customers, and those who are paused or free for a time.';
comment on column mart.mrr_daily.new_customers is 'Customers of new_minor.';
comment on column mart.mrr_daily.reactivated_customers is 'Customers of reactivation_minor.';
comment on column mart.mrr_daily.churned_customers is 'Customers of churn_minor.';
comment on column mart.mrr_daily.is_complete is
'Whether all events of the day have been fetched and loaded, and no open gap touches it.';
comment on column mart.mrr_daily.reporting_rate is
'Rate of the day to the reporting currency (mart.reporting_rate_daily); null where none is known yet.';
comment on column mart.mrr_daily.opening_mrr_reporting_minor is
'opening_mrr_minor in the reporting currency, its minor units, by the rate of the day before; null without a rate.';
comment on column mart.mrr_daily.new_reporting_minor is 'new_minor in the reporting currency, by the rate of the day.';
comment on column mart.mrr_daily.reactivation_reporting_minor is 'reactivation_minor in the reporting currency.';
comment on column mart.mrr_daily.expansion_reporting_minor is 'expansion_minor in the reporting currency.';
comment on column mart.mrr_daily.contraction_reporting_minor is 'contraction_minor in the reporting currency.';
comment on column mart.mrr_daily.churn_reporting_minor is 'churn_minor in the reporting currency.';
comment on column mart.mrr_daily.held_change_reporting_minor is 'held_change_minor in the reporting currency.';
comment on column mart.mrr_daily.fx_reporting_minor is
'What the rate alone changed: opening_mrr_minor x (reporting_rate - that of the day before). It closes the identity.';
comment on column mart.mrr_daily.mrr_reporting_minor is 'mrr_minor in the reporting currency, by the rate of the day.';
comment on column mart.mrr_daily.arr_reporting_minor is '12 x mrr_reporting_minor.';
