/* Grain: one row per customer, currency and month with a successful charge. Who exactly paid when. */
create view mart.customer_payment_monthly as
with final as (
    select
        f.account_id,
        f.livemode,
        f.currency,
        f.customer_id,
        f.month,
        f.first_month,
        f.previous_month,
        f.next_month,
        sum(f.payments)::bigint as payments,
        sum(f.revenue_minor) as revenue_minor,
        -- all or nothing: a part would look like the whole
        case
            when count(ops.converted(f.revenue_minor, rate.rate)) = count(*)
                then sum(ops.converted(f.revenue_minor, rate.rate))
        end as revenue_reporting_minor
    from dwh.customer_payment_fact as f
    inner join ops.reported_mode as mode on f.livemode = mode.livemode
    left join mart.reporting_rate_daily as rate on f.currency = rate.currency and f.day = rate.day
    group by
        f.account_id, f.livemode, f.currency, f.customer_id, f.month, f.first_month, f.previous_month, f.next_month
)

select
    *,
    case
        when previous_month is null then 'new'
        when previous_month = (month - interval '1 month')::date then 'retained'
        else 'returning'
    end as activity
from final;

comment on view mart.customer_payment_monthly is
'Grain: one row per customer, currency and month with at least one successful charge. Read as it is loaded.';
comment on column mart.customer_payment_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.customer_payment_monthly.livemode is 'False for test data.';
comment on column mart.customer_payment_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.customer_payment_monthly.customer_id is 'Stripe customer.';
comment on column mart.customer_payment_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.customer_payment_monthly.first_month is 'Month of the customer''s first payment: the cohort.';
comment on column mart.customer_payment_monthly.previous_month is
'The month before this one with a payment; null in the first.';
comment on column mart.customer_payment_monthly.next_month is
'The next month with a payment; null while there is none.';
comment on column mart.customer_payment_monthly.payments is 'Successful charges in the month.';
comment on column mart.customer_payment_monthly.revenue_minor is
'Sum of successful charges, minor units, before refunds.';
comment on column mart.customer_payment_monthly.revenue_reporting_minor is
'revenue_minor in the reporting currency, each charge by the rate of its day; null where a day has none.';
comment on column mart.customer_payment_monthly.activity is
'new: the first month; retained: the month before had a payment too; returning: there was a gap.';
