/* Grain: one row per customer, currency and month with a successful charge. Who paid when; the other marts count it. */
create materialized view mart.customer_payment_monthly as
with payment as (
    select
        t.account_id,
        t.livemode,
        t.currency,
        t.customer_id,
        date_trunc('month', t.occurred_at at time zone policy.value)::date as month,
        t.amount_minor,
        t.amount_minor * rate.rate as amount_reporting_minor
    from dwh.transaction_fact as t
    inner join ops.reported_mode as mode on t.livemode = mode.livemode
    cross join ops.policy as policy
    left join mart.reporting_rate_daily as rate
        on t.currency = rate.currency and (t.occurred_at at time zone policy.value)::date = rate.day
    where policy.name = 'reporting_timezone' and t.transaction_type = 'charge' and t.customer_id is not null
),

monthly as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        month,
        count(*) as payments,
        sum(amount_minor) as revenue_minor,
        -- all or nothing: a part would look like the whole
        case when count(amount_reporting_minor) = count(*) then sum(amount_reporting_minor) end
            as revenue_reporting_minor
    from payment
    group by account_id, livemode, currency, customer_id, month
),

final as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        month,
        min(month) over customer_months as first_month,
        lag(month) over customer_months as previous_month,
        lead(month) over customer_months as next_month,
        payments,
        revenue_minor,
        revenue_reporting_minor
    from monthly
    window customer_months as (
        partition by account_id, livemode, currency, customer_id order by month
        rows between unbounded preceding and unbounded following
    )
)

select
    *,
    case
        when previous_month is null then 'new'
        when previous_month = (month - interval '1 month')::date then 'retained'
        else 'returning'
    end as activity
from final;

create unique index customer_payment_monthly_key
on mart.customer_payment_monthly (account_id, livemode, currency, customer_id, month);
create index customer_payment_monthly_month on mart.customer_payment_monthly (account_id, livemode, currency, month);
comment on materialized view mart.customer_payment_monthly is
'Grain: one row per customer, currency and month with at least one successful charge.';
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
