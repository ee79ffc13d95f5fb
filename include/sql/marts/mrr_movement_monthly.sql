/* Grain: one row per currency and month. From the MRR with which a month opens to the one with which it closes. */
create materialized view mart.mrr_movement_monthly as
with daily as (
    select
        *,
        date_trunc('month', day)::date as month
    from mart.mrr_daily
),

final as (
    select
        account_id,
        livemode,
        currency,
        month,
        (array_agg(opening_mrr_minor order by day))[1] as opening_mrr_minor,
        sum(new_minor) as new_minor,
        sum(expansion_minor) as expansion_minor,
        sum(contraction_minor) as contraction_minor,
        sum(churn_minor) as churn_minor,
        sum(reactivation_minor) as reactivation_minor,
        sum(held_change_minor) as held_change_minor,
        (array_agg(mrr_minor order by day desc))[1] as closing_mrr_minor,
        (array_agg(held_minor order by day desc))[1] as held_minor,
        (array_agg(paying_customers order by day desc))[1] as paying_customers,
        (array_agg(subscribers order by day desc))[1] as subscribers,
        sum(new_customers)::bigint as new_customers,
        sum(reactivated_customers)::bigint as reactivated_customers,
        sum(churned_customers)::bigint as churned_customers,
        -- the last day of the month is there, and none before it is missing
        bool_and(is_complete) and max(day) = (month + interval '1 month' - interval '1 day')::date as is_complete,
        (array_agg(reporting_rate order by day desc))[1] as reporting_rate,
        (array_agg(opening_mrr_reporting_minor order by day))[1] as opening_mrr_reporting_minor,
        -- all or nothing: a part would look like the whole
        case when count(new_reporting_minor) = count(*) then sum(new_reporting_minor) end
            as new_reporting_minor,
        case when count(expansion_reporting_minor) = count(*) then sum(expansion_reporting_minor) end
            as expansion_reporting_minor,
        case when count(contraction_reporting_minor) = count(*) then sum(contraction_reporting_minor) end
            as contraction_reporting_minor,
        case when count(churn_reporting_minor) = count(*) then sum(churn_reporting_minor) end
            as churn_reporting_minor,
        case when count(reactivation_reporting_minor) = count(*) then sum(reactivation_reporting_minor) end
            as reactivation_reporting_minor,
        case when count(held_change_reporting_minor) = count(*) then sum(held_change_reporting_minor) end
            as held_change_reporting_minor,
        case when count(fx_reporting_minor) = count(*) then sum(fx_reporting_minor) end
            as fx_reporting_minor,
        (array_agg(mrr_reporting_minor order by day desc))[1] as closing_mrr_reporting_minor
    from daily
    group by account_id, livemode, currency, month
)

select * from final;

create unique index mrr_movement_monthly_key on mart.mrr_movement_monthly (account_id, livemode, currency, month);
comment on materialized view mart.mrr_movement_monthly is
'Grain: one row per currency, month. closing = opening + new + reactivation + expansion - contraction - churn - held';
comment on column mart.mrr_movement_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.mrr_movement_monthly.livemode is 'False for test data.';
comment on column mart.mrr_movement_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.mrr_movement_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.mrr_movement_monthly.opening_mrr_minor is 'MRR as the month begins, minor units.';
comment on column mart.mrr_movement_monthly.new_minor is 'MRR of customers who never had any before.';
comment on column mart.mrr_movement_monthly.expansion_minor is 'What customers with MRR added to it.';
comment on column mart.mrr_movement_monthly.contraction_minor is
'What customers took off it and kept some, as a positive number.';
comment on column mart.mrr_movement_monthly.churn_minor is 'MRR of customers who kept none, as a positive number.';
comment on column mart.mrr_movement_monthly.reactivation_minor is 'MRR of customers who had had some, and then none.';
comment on column mart.mrr_movement_monthly.held_change_minor is
'What moved from MRR into pauses and free periods; negative when more came back.';
comment on column mart.mrr_movement_monthly.closing_mrr_minor is
'MRR as the month ends, or as of the last day that is fetched; minor units.';
comment on column mart.mrr_movement_monthly.held_minor is
'What was MRR and is paused or free then, minor units: outside MRR, and not lost.';
comment on column mart.mrr_movement_monthly.paying_customers is 'Customers with MRR then.';
comment on column mart.mrr_movement_monthly.subscribers is
'Customers with MRR or some that is held then: who is paused or free for a time has not left.';
comment on column mart.mrr_movement_monthly.new_customers is 'Customers of new_minor.';
comment on column mart.mrr_movement_monthly.reactivated_customers is
'Times that a customer came back: one may do so twice in a month.';
comment on column mart.mrr_movement_monthly.churned_customers is 'Times that a customer left.';
comment on column mart.mrr_movement_monthly.is_complete is
'Whether all events of the month have been fetched and loaded, and no open gap touches it.';
comment on column mart.mrr_movement_monthly.reporting_rate is
'Rate to the reporting currency (mart.reporting_rate_daily) on the last day; null where none is known yet.';
comment on column mart.mrr_movement_monthly.opening_mrr_reporting_minor is
'opening_mrr_minor in the reporting currency, its minor units, by the rate before the month; null without a rate.';
comment on column mart.mrr_movement_monthly.new_reporting_minor is
'new_minor in the reporting currency, by the rate of the day of each movement; null where one has none.';
comment on column mart.mrr_movement_monthly.expansion_reporting_minor is 'expansion_minor, likewise.';
comment on column mart.mrr_movement_monthly.contraction_reporting_minor is 'contraction_minor, likewise.';
comment on column mart.mrr_movement_monthly.churn_reporting_minor is 'churn_minor, likewise.';
comment on column mart.mrr_movement_monthly.reactivation_reporting_minor is 'reactivation_minor, likewise.';
comment on column mart.mrr_movement_monthly.held_change_reporting_minor is 'held_change_minor, likewise.';
comment on column mart.mrr_movement_monthly.fx_reporting_minor is
'What rates alone changed: the sum, over days, of the MRR as each began x the change of its rate.';
comment on column mart.mrr_movement_monthly.closing_mrr_reporting_minor is
'closing_mrr_minor in the reporting currency, by the rate of the last day.';
