/* Grain: one row per currency and month. How many customers were new, stayed, came back and left. */
create materialized view mart.customer_activity_monthly as
-- once, not for each row
with calendar as materialized (
    select span.account_id, span.livemode, span.currency, period.starts_on as month, period.is_complete
    from (
        select account_id, livemode, currency, min(month) as first_month, max(month) as last_month
        from mart.customer_payment_monthly
        group by account_id, livemode, currency
    ) as span
    cross join
        lateral ops.complete_periods(
            span.account_id, span.livemode, span.first_month, interval '1 month', span.last_month
        ) as period
),

active as (
    select
        account_id,
        livemode,
        currency,
        month,
        count(*) as active_customers,
        count(*) filter (where activity = 'new') as new_customers,
        count(*) filter (where activity = 'retained') as retained_customers,
        count(*) filter (where activity = 'returning') as returning_customers,
        sum(payments)::bigint as payments,
        sum(revenue_minor) as revenue_minor,
        case when count(revenue_reporting_minor) = count(*) then sum(revenue_reporting_minor) end
            as revenue_reporting_minor
    from mart.customer_payment_monthly
    group by account_id, livemode, currency, month
),

churned as (
    select
        account_id,
        livemode,
        currency,
        (month + interval '1 month')::date as month,
        count(*) as churned_customers
    from mart.customer_payment_monthly
    where next_month is null or next_month > (month + interval '1 month')::date
    group by account_id, livemode, currency, (month + interval '1 month')::date
),

final as (
    select
        calendar.account_id,
        calendar.livemode,
        calendar.currency,
        calendar.month,
        coalesce(active.active_customers, 0) as active_customers,
        coalesce(active.new_customers, 0) as new_customers,
        coalesce(active.retained_customers, 0) as retained_customers,
        coalesce(active.returning_customers, 0) as returning_customers,
        -- who has not paid yet in a month that is still open has not left
        case when calendar.is_complete then coalesce(churned.churned_customers, 0) end as churned_customers,
        coalesce(active.payments, 0) as payments,
        coalesce(active.revenue_minor, 0) as revenue_minor,
        case when active.month is null then 0 else active.revenue_reporting_minor end as revenue_reporting_minor,
        calendar.is_complete
    from calendar
    left join active using (account_id, livemode, currency, month)
    left join churned using (account_id, livemode, currency, month)
)

select * from final;

create unique index customer_activity_monthly_key
on mart.customer_activity_monthly (account_id, livemode, currency, month);
comment on materialized view mart.customer_activity_monthly is
'Grain: one row per currency and month. active(m) = active(m-1) + new + returning - churned.';
comment on column mart.customer_activity_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.customer_activity_monthly.livemode is 'False for test data.';
comment on column mart.customer_activity_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.customer_activity_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.customer_activity_monthly.active_customers is
'Customers with at least one successful charge in the month.';
comment on column mart.customer_activity_monthly.new_customers is
'Active customers whose first payment ever was in the month.';
comment on column mart.customer_activity_monthly.retained_customers is
'Active customers who had paid in the month before too.';
comment on column mart.customer_activity_monthly.returning_customers is
'Active customers who came back after a month or more without payment.';
comment on column mart.customer_activity_monthly.churned_customers is
'Customers active in the month before and not in this one; null while the month is open.';
comment on column mart.customer_activity_monthly.payments is 'Successful charges of customers in the month.';
comment on column mart.customer_activity_monthly.revenue_minor is 'Sum of these charges, minor units, before refunds.';
comment on column mart.customer_activity_monthly.revenue_reporting_minor is
'revenue_minor in the reporting currency, each charge by the rate of its day; null where a day has none.';
comment on column mart.customer_activity_monthly.is_complete is
'Whether all events of the month have been fetched and loaded, and no open gap touches it.';
