/* Grain: one row per currency and month. How many customers were new, stayed, came back and left. */
create materialized view mart.customer_activity_monthly as
with active as (
    -- of all cohorts
    select
        account_id,
        livemode,
        currency,
        month,
        sum(active_customers)::bigint as active_customers,
        coalesce(sum(active_customers) filter (where months_since = 0), 0)::bigint as new_customers,
        sum(retained_customers)::bigint as retained_customers,
        sum(returning_customers)::bigint as returning_customers,
        sum(leaving_customers)::bigint as leaving_customers,
        sum(payments)::bigint as payments,
        sum(revenue_minor) as revenue_minor,
        case when count(revenue_reporting_minor) = count(*) then sum(revenue_reporting_minor) end
            as revenue_reporting_minor,
        bool_and(is_complete) as is_complete
    from mart.payment_cohort_monthly
    group by account_id, livemode, currency, month
),

final as (
    select
        account_id,
        livemode,
        currency,
        month,
        active_customers,
        new_customers,
        retained_customers,
        returning_customers,
        -- who has not paid yet in a month that is still open has not left
        case
            when is_complete
                then coalesce(
                    lag(leaving_customers) over (partition by account_id, livemode, currency order by month), 0
                )
        end as churned_customers,
        payments,
        revenue_minor,
        revenue_reporting_minor,
        is_complete
    from active
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
