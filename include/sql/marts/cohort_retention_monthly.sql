/* Grain: one row per currency, cohort and month since. Of the customers of a month, how many still have MRR. */
create materialized view mart.cohort_retention_monthly as
with paying as (
    select m.*, date_trunc('month', m.first_paying_day)::date as cohort_month, date_trunc('month', m.day)::date as month
    from ops.known_mrr_movement as m
    where m.first_paying_day is not null
),

moved as (
    select
        account_id,
        livemode,
        currency,
        cohort_month,
        month,
        count(*) filter (where closing_mrr_minor > 0 and opening_mrr_minor = 0)
        - count(*) filter (where closing_mrr_minor = 0 and opening_mrr_minor > 0) as customers_change,
        count(*) filter (where day = first_paying_day) as cohort_customers,
        sum(closing_mrr_minor - opening_mrr_minor) as mrr_change_minor
    from paying
    group by account_id, livemode, currency, cohort_month, month
),

cohort as (
    select account_id, livemode, currency, cohort_month, sum(cohort_customers)::bigint as cohort_customers
    from moved
    group by account_id, livemode, currency, cohort_month
),

final as (
    select
        cohort.account_id,
        cohort.livemode,
        cohort.currency,
        cohort.cohort_month,
        ops.months_between(cohort.cohort_month, calendar.month) as months_since,
        calendar.month,
        cohort.cohort_customers,
        coalesce(sum(moved.customers_change) over history, 0)::bigint as active_customers,
        coalesce(sum(moved.customers_change) over history, 0) / cohort.cohort_customers as retention_rate,
        coalesce(sum(moved.mrr_change_minor) over history, 0) as mrr_minor,
        calendar.is_complete
    from cohort
    inner join mart.mrr_movement_monthly as calendar
        on
            cohort.account_id = calendar.account_id
            and cohort.livemode = calendar.livemode
            and cohort.currency = calendar.currency
            and cohort.cohort_month <= calendar.month
    left join moved
        on
            cohort.account_id = moved.account_id
            and cohort.livemode = moved.livemode
            and cohort.currency = moved.currency
            and cohort.cohort_month = moved.cohort_month
            and calendar.month = moved.month
    window history as (
        partition by cohort.account_id, cohort.livemode, cohort.currency, cohort.cohort_month order by calendar.month
    )
)

select * from final;

create unique index cohort_retention_monthly_key
on mart.cohort_retention_monthly (account_id, livemode, currency, cohort_month, months_since);
comment on materialized view mart.cohort_retention_monthly is
'Grain: one row per currency, cohort (month of first MRR) and month since. Share of its customers with MRR then.';
comment on column mart.cohort_retention_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.cohort_retention_monthly.livemode is 'False for test data.';
comment on column mart.cohort_retention_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.cohort_retention_monthly.cohort_month is
'Month in which its customers had MRR for the first time; who comes back stays in the first cohort.';
comment on column mart.cohort_retention_monthly.months_since is 'Months after the cohort''s; 0 is the month itself.';
comment on column mart.cohort_retention_monthly.month is 'The month counted: cohort_month + months_since.';
comment on column mart.cohort_retention_monthly.cohort_customers is 'Customers of the cohort: the same in every month.';
comment on column mart.cohort_retention_monthly.active_customers is 'Those of them with MRR as the month ends.';
comment on column mart.cohort_retention_monthly.retention_rate is 'active_customers / cohort_customers, 0 to 1.';
comment on column mart.cohort_retention_monthly.mrr_minor is 'MRR of the cohort as the month ends, minor units.';
comment on column mart.cohort_retention_monthly.is_complete is 'As in mrr_movement_monthly.';
