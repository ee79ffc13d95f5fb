/* Grain: one row per customer and currency. What each customer has paid, and what to expect next month. */
create materialized view mart.customer_lifetime_value as
with paid as (
    -- in the order of the key: nothing is sorted
    select
        f.account_id,
        f.livemode,
        f.currency,
        f.customer_id,
        min(f.first_paid_at) as first_paid_at,
        max(f.last_paid_at) as last_paid_at,
        max(f.month) as last_month,
        ops.months_between(min(f.month), max(f.month)) + 1 as lifetime_months,
        sum(f.payments)::bigint as payments,
        sum(f.revenue_minor) as revenue_minor,
        case
            when count(ops.converted(f.revenue_minor, rate.rate)) = count(*)
                then sum(ops.converted(f.revenue_minor, rate.rate))
        end as revenue_reporting_minor
    from dwh.customer_payment_fact as f
    inner join ops.reported_mode as mode on f.livemode = mode.livemode
    left join mart.reporting_rate_daily as rate on f.currency = rate.currency and f.day = rate.day
    group by f.account_id, f.livemode, f.customer_id, f.currency
),

returned as (
    select
        t.account_id,
        t.livemode,
        t.currency,
        t.customer_id,
        coalesce(-sum(t.amount_minor) filter (where t.transaction_type = 'refund'), 0) as refunded_minor,
        -- what a bank took back is no more kept than what was refunded
        coalesce(-sum(t.amount_minor) filter (where t.transaction_type <> 'refund'), 0) as disputed_minor,
        sum(t.amount_minor) as net_minor,
        case
            when count(ops.converted(t.amount_minor, rate.rate)) = count(*)
                then sum(ops.converted(t.amount_minor, rate.rate))
        end as net_reporting_minor
    from dwh.transaction_fact as t
    inner join ops.reported_mode as mode on t.livemode = mode.livemode
    cross join ops.policy as policy
    left join mart.reporting_rate_daily as rate
        on t.currency = rate.currency and (t.occurred_at at time zone policy.value)::date = rate.day
    where policy.name = 'reporting_timezone' and t.transaction_type <> 'charge' and t.customer_id is not null
    group by t.account_id, t.livemode, t.currency, t.customer_id
),

whole as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        paid.first_paid_at,
        paid.last_paid_at,
        paid.last_month,
        paid.lifetime_months,
        coalesce(paid.payments, 0) as payments,
        coalesce(paid.revenue_minor, 0) as revenue_minor,
        coalesce(returned.refunded_minor, 0) as refunded_minor,
        coalesce(returned.disputed_minor, 0) as disputed_minor,
        coalesce(paid.revenue_minor, 0) + coalesce(returned.net_minor, 0) as net_minor,
        -- null where either is there, and lacks a rate
        case when paid.payments is null then 0 else paid.revenue_reporting_minor end
        + case when returned.net_minor is null then 0 else returned.net_reporting_minor end as net_reporting_minor
    from paid
    full join returned using (account_id, livemode, currency, customer_id)
),

latest as (
    -- the last complete month tells who is still there, and how likely one stays
    select distinct on (account_id, livemode, currency) account_id, livemode, currency, month, churn_rate
    from mart.arpu_churn_ltv_monthly
    where is_complete
    order by account_id asc, livemode asc, currency asc, month desc
),

spent as (
    select
        whole.*,
        whole.revenue_minor / nullif(whole.payments, 0) as average_payment_minor,
        whole.net_minor / nullif(whole.lifetime_months, 0) as monthly_spend_minor,
        case
            when latest.month is null then null
            when whole.last_month >= latest.month then 1 - coalesce(latest.churn_rate, 0)
            else 0
        end as stay_rate
    from whole
    left join latest using (account_id, livemode, currency)
),

final as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        payments,
        revenue_minor,
        refunded_minor,
        disputed_minor,
        net_minor,
        net_minor * (select dwh.gross_margin()) as margin_minor,
        net_reporting_minor,
        average_payment_minor,
        monthly_spend_minor,
        monthly_spend_minor * stay_rate as expected_spend_next_month_minor,
        monthly_spend_minor * stay_rate * (select dwh.gross_margin()) as expected_margin_next_month_minor,
        first_paid_at,
        last_paid_at
    from spent
)

select * from final;

create unique index customer_lifetime_value_key
on mart.customer_lifetime_value (account_id, livemode, currency, customer_id);
comment on materialized view mart.customer_lifetime_value is
'Grain: one row per customer and currency with a movement of money. What the customer paid so far, and next month.';
comment on column mart.customer_lifetime_value.account_id is 'Stripe account (acct_...).';
comment on column mart.customer_lifetime_value.livemode is 'False for test data.';
comment on column mart.customer_lifetime_value.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.customer_lifetime_value.customer_id is 'Stripe customer.';
comment on column mart.customer_lifetime_value.payments is 'Successful charges.';
comment on column mart.customer_lifetime_value.revenue_minor is 'Sum of successful charges, minor units.';
comment on column mart.customer_lifetime_value.refunded_minor is
'Sum of refunds that did not fail, minor units, positive.';
comment on column mart.customer_lifetime_value.disputed_minor is
'Money withdrawn for disputes less what was reinstated, minor units.';
comment on column mart.customer_lifetime_value.net_minor is 'revenue_minor - refunded_minor - disputed_minor.';
comment on column mart.customer_lifetime_value.margin_minor is
'net_minor x dwh.gross_margin(): the value of the customer so far.';
comment on column mart.customer_lifetime_value.net_reporting_minor is
'net_minor in the reporting currency, each movement by the rate of its day; null where a day has none.';
comment on column mart.customer_lifetime_value.average_payment_minor is 'revenue_minor / payments.';
comment on column mart.customer_lifetime_value.monthly_spend_minor is
'net_minor / months from the first payment''s to the last payment''s, both counted.';
comment on column mart.customer_lifetime_value.expected_spend_next_month_minor is
'monthly_spend_minor x (1 - last complete month''s churn rate) for who paid then or later, else 0; null without one.';
comment on column mart.customer_lifetime_value.expected_margin_next_month_minor is
'expected_spend_next_month_minor x dwh.gross_margin(): the value that is to be expected.';
comment on column mart.customer_lifetime_value.first_paid_at is 'First successful charge.';
comment on column mart.customer_lifetime_value.last_paid_at is 'Last successful charge.';
