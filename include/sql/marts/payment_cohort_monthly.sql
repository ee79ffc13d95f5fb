/* Grain: one row per currency, month of first payment and month since. The retention triangle. */
create materialized view mart.payment_cohort_monthly as
with pattern as (
    -- customers who paid in the same months are counted together: their months are compared once
    select
        f.account_id,
        f.livemode,
        f.currency,
        f.first_month,
        f.previous_month,
        f.month,
        f.next_month,
        count(*) filter (where f.is_first_in_month) as customers,
        sum(f.payments) as payments,
        sum(f.revenue_minor) as revenue_minor,
        -- all or nothing: a part would look like the whole
        case
            when count(ops.converted(f.revenue_minor, rate.rate)) = count(*)
                then sum(ops.converted(f.revenue_minor, rate.rate))
        end as revenue_reporting_minor
    from dwh.customer_payment_fact as f
    inner join ops.reported_mode as mode on f.livemode = mode.livemode
    left join mart.reporting_rate_daily as rate on f.currency = rate.currency and f.day = rate.day
    group by f.account_id, f.livemode, f.currency, f.first_month, f.previous_month, f.month, f.next_month
),

paid as (
    select
        account_id,
        livemode,
        currency,
        first_month,
        month,
        sum(customers) as active_customers,
        sum(customers) filter (where previous_month = (month - interval '1 month')::date) as retained_customers,
        sum(customers) filter (where previous_month < (month - interval '1 month')::date) as returning_customers,
        sum(customers) filter (
            where next_month is null or next_month > (month + interval '1 month')::date
        ) as leaving_customers,
        sum(payments) as payments,
        sum(revenue_minor) as revenue_minor,
        case when count(revenue_reporting_minor) = count(*) then sum(revenue_reporting_minor) end
            as revenue_reporting_minor
    from pattern
    group by account_id, livemode, currency, first_month, month
),

cohort as (
    select account_id, livemode, currency, first_month as cohort_month, active_customers as cohort_customers
    from paid
    where month = first_month
),

-- once, not for each row
calendar as materialized (
    select span.account_id, span.livemode, span.currency, period.starts_on as month, period.is_complete
    from (
        select account_id, livemode, currency, min(month) as first_month, max(month) as last_month
        from paid
        group by account_id, livemode, currency
    ) as span
    cross join
        lateral ops.complete_periods(
            span.account_id, span.livemode, span.first_month, interval '1 month', span.last_month
        ) as period
),

final as (
    select
        cohort.account_id,
        cohort.livemode,
        cohort.currency,
        cohort.cohort_month,
        ops.months_between(cohort.cohort_month, calendar.month) as months_since,
        calendar.month,
        cohort.cohort_customers::bigint as cohort_customers,
        coalesce(paid.active_customers, 0)::bigint as active_customers,
        coalesce(paid.retained_customers, 0)::bigint as retained_customers,
        coalesce(paid.returning_customers, 0)::bigint as returning_customers,
        coalesce(paid.leaving_customers, 0)::bigint as leaving_customers,
        coalesce(paid.payments, 0)::bigint as payments,
        coalesce(paid.active_customers, 0) / cohort.cohort_customers as retention_rate,
        coalesce(paid.revenue_minor, 0) as revenue_minor,
        case when paid.month is null then 0 else paid.revenue_reporting_minor end as revenue_reporting_minor,
        calendar.is_complete
    from cohort
    inner join calendar
        on
            cohort.account_id = calendar.account_id
            and cohort.livemode = calendar.livemode
            and cohort.currency = calendar.currency
            and cohort.cohort_month <= calendar.month
    left join paid
        on
            cohort.account_id = paid.account_id
            and cohort.livemode = paid.livemode
            and cohort.currency = paid.currency
            and cohort.cohort_month = paid.first_month
            and calendar.month = paid.month
)

select * from final;

create unique index payment_cohort_monthly_key
on mart.payment_cohort_monthly (account_id, livemode, currency, cohort_month, months_since);
comment on materialized view mart.payment_cohort_monthly is
'Grain: one row per currency, cohort (month of first payment) and month since. Share of the cohort that paid.';
comment on column mart.payment_cohort_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.payment_cohort_monthly.livemode is 'False for test data.';
comment on column mart.payment_cohort_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.payment_cohort_monthly.cohort_month is 'Month of the first payment.';
comment on column mart.payment_cohort_monthly.months_since is 'Months after the cohort''s; 0 is the month itself.';
comment on column mart.payment_cohort_monthly.month is 'The month counted: cohort_month + months_since.';
comment on column mart.payment_cohort_monthly.cohort_customers is 'Size of the cohort.';
comment on column mart.payment_cohort_monthly.active_customers is
'Customers of the cohort with a successful charge in the month.';
comment on column mart.payment_cohort_monthly.retained_customers is
'Those of them who had paid in the month before too.';
comment on column mart.payment_cohort_monthly.returning_customers is
'Those of them who came back after a month or more without payment.';
comment on column mart.payment_cohort_monthly.leaving_customers is
'Those of them who did not pay in the month after it: so far, while that is open.';
comment on column mart.payment_cohort_monthly.payments is 'Successful charges of these customers in the month.';
comment on column mart.payment_cohort_monthly.retention_rate is 'active_customers / cohort_customers, 0 to 1.';
comment on column mart.payment_cohort_monthly.revenue_minor is 'Sum of their charges, minor units, before refunds.';
comment on column mart.payment_cohort_monthly.revenue_reporting_minor is
'revenue_minor in the reporting currency, each charge by the rate of its day; null where a day has none.';
comment on column mart.payment_cohort_monthly.is_complete is
'Whether all events of the month have been fetched and loaded, and no open gap touches it.';
