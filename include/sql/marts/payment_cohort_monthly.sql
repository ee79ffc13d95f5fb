/* Grain: one row per currency, month of first payment and month since. The retention triangle. */
create materialized view mart.payment_cohort_monthly as
with cohort as (
    select account_id, livemode, currency, first_month as cohort_month, count(*) as cohort_customers
    from mart.customer_payment_monthly
    where month = first_month
    group by account_id, livemode, currency, first_month
),

paid as (
    select
        account_id,
        livemode,
        currency,
        first_month as cohort_month,
        month,
        count(*) as active_customers,
        sum(revenue_minor) as revenue_minor,
        case when count(revenue_reporting_minor) = count(*) then sum(revenue_reporting_minor) end
            as revenue_reporting_minor
    from mart.customer_payment_monthly
    group by account_id, livemode, currency, first_month, month
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
        coalesce(paid.active_customers, 0) as active_customers,
        coalesce(paid.active_customers, 0)::numeric / cohort.cohort_customers as retention_rate,
        coalesce(paid.revenue_minor, 0) as revenue_minor,
        case when paid.month is null then 0 else paid.revenue_reporting_minor end as revenue_reporting_minor,
        calendar.is_complete
    from cohort
    inner join mart.customer_activity_monthly as calendar
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
            and cohort.cohort_month = paid.cohort_month
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
comment on column mart.payment_cohort_monthly.retention_rate is 'active_customers / cohort_customers, 0 to 1.';
comment on column mart.payment_cohort_monthly.revenue_minor is 'Sum of their charges, minor units, before refunds.';
comment on column mart.payment_cohort_monthly.revenue_reporting_minor is
'revenue_minor in the reporting currency, each charge by the rate of its day; null where a day has none.';
comment on column mart.payment_cohort_monthly.is_complete is 'As in customer_activity_monthly.';
