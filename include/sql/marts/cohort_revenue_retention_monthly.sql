/* Grain: one row per currency, cohort and month since. Of the MRR that a month's new customers brought, the rest. */
create materialized view mart.cohort_revenue_retention_monthly as
with converted as (
    select kept.*, ops.converted(kept.mrr_minor, calendar.reporting_rate) as mrr_reporting_minor
    from mart.cohort_retention_monthly as kept
    inner join mart.mrr_movement_monthly as calendar using (account_id, livemode, currency, month)
),

final as (
    select
        account_id,
        livemode,
        currency,
        cohort_month,
        months_since,
        month,
        first_value(mrr_minor) over cohort as cohort_mrr_minor,
        mrr_minor,
        mrr_minor / nullif(first_value(mrr_minor) over cohort, 0) as revenue_retention_rate,
        is_complete,
        first_value(mrr_reporting_minor) over cohort as cohort_mrr_reporting_minor,
        mrr_reporting_minor
    from converted
    window cohort as (partition by account_id, livemode, currency, cohort_month order by months_since)
)

select * from final;

create unique index cohort_revenue_retention_monthly_key
on mart.cohort_revenue_retention_monthly (account_id, livemode, currency, cohort_month, months_since);
comment on materialized view mart.cohort_revenue_retention_monthly is
'Grain: one row per currency, cohort (month of first MRR) and month since. Its MRR against that of the first month.';
comment on column mart.cohort_revenue_retention_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.cohort_revenue_retention_monthly.livemode is 'False for test data.';
comment on column mart.cohort_revenue_retention_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.cohort_revenue_retention_monthly.cohort_month is
'Month in which its customers had MRR for the first time.';
comment on column mart.cohort_revenue_retention_monthly.months_since is
'Months after the cohort''s; 0 is the month itself.';
comment on column mart.cohort_revenue_retention_monthly.month is 'The month counted: cohort_month + months_since.';
comment on column mart.cohort_revenue_retention_monthly.cohort_mrr_minor is
'MRR of the cohort as its first month ends, minor units.';
comment on column mart.cohort_revenue_retention_monthly.mrr_minor is
'MRR of the cohort as the month ends, minor units.';
comment on column mart.cohort_revenue_retention_monthly.revenue_retention_rate is
'mrr_minor / cohort_mrr_minor, can exceed 1; null when nobody of the cohort had MRR as its first month ended.';
comment on column mart.cohort_revenue_retention_monthly.is_complete is 'As in mrr_movement_monthly.';
comment on column mart.cohort_revenue_retention_monthly.cohort_mrr_reporting_minor is
'cohort_mrr_minor in the reporting currency, by the rate of the last day of the first month; null without one.';
comment on column mart.cohort_revenue_retention_monthly.mrr_reporting_minor is
'mrr_minor in the reporting currency, by the rate of the month''s last day; null without one.';
