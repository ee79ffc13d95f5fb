/* Grain: one row per currency and month. What a customer brings in a month, how many leave, and what one is worth. */
create materialized view mart.arpu_churn_ltv_monthly as
with opened as (
    select
        *,
        lag(active_customers) over (
            partition by account_id, livemode, currency order by month
        ) as opening_customers
    from mart.customer_activity_monthly
),

rated as (
    select
        account_id,
        livemode,
        currency,
        month,
        active_customers,
        revenue_minor,
        revenue_minor / nullif(active_customers, 0) as arpu_minor,
        revenue_reporting_minor / nullif(active_customers, 0) as arpu_reporting_minor,
        opening_customers,
        churned_customers,
        churned_customers::numeric / nullif(opening_customers, 0) as churn_rate,
        is_complete
    from opened
),

final as (
    select
        account_id,
        livemode,
        currency,
        month,
        active_customers,
        revenue_minor,
        arpu_minor,
        opening_customers,
        churned_customers,
        churn_rate,
        arpu_minor * (select dwh.gross_margin()) / nullif(churn_rate, 0) as ltv_minor,
        arpu_reporting_minor,
        arpu_reporting_minor * (select dwh.gross_margin()) / nullif(churn_rate, 0) as ltv_reporting_minor,
        is_complete
    from rated
)

select * from final;

create unique index arpu_churn_ltv_monthly_key
on mart.arpu_churn_ltv_monthly (account_id, livemode, currency, month);
comment on materialized view mart.arpu_churn_ltv_monthly is
'Grain: one row per currency and month. ARPU, churn rate, lifetime value = ARPU x gross margin / churn rate.';
comment on column mart.arpu_churn_ltv_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.arpu_churn_ltv_monthly.livemode is 'False for test data.';
comment on column mart.arpu_churn_ltv_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.arpu_churn_ltv_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.arpu_churn_ltv_monthly.active_customers is
'Customers with at least one successful charge in the month.';
comment on column mart.arpu_churn_ltv_monthly.revenue_minor is 'Sum of their charges, minor units, before refunds.';
comment on column mart.arpu_churn_ltv_monthly.arpu_minor is 'revenue_minor / active_customers; null without customers.';
comment on column mart.arpu_churn_ltv_monthly.opening_customers is 'Active customers of the month before.';
comment on column mart.arpu_churn_ltv_monthly.churned_customers is
'Those of them who did not pay this month; null while it is open.';
comment on column mart.arpu_churn_ltv_monthly.churn_rate is
'churned_customers / opening_customers; null when nobody was active before.';
comment on column mart.arpu_churn_ltv_monthly.ltv_minor is
'arpu_minor x dwh.gross_margin() / churn_rate; null when nobody churned, never infinite.';
comment on column mart.arpu_churn_ltv_monthly.arpu_reporting_minor is
'arpu_minor in the reporting currency, each charge by the rate of its day; null where a day has none.';
comment on column mart.arpu_churn_ltv_monthly.ltv_reporting_minor is
'ltv_minor in the reporting currency: arpu_reporting_minor x dwh.gross_margin() / churn_rate.';
comment on column mart.arpu_churn_ltv_monthly.is_complete is 'As in customer_activity_monthly.';
