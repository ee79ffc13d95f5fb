/* Grain: one row per account, mode and currency of which there are numbers. From which month to which, and of whom. */
create materialized view mart.currency_span as
with monthly as (
    select account_id, livemode, currency, month, paying_customers as customers
    from mart.mrr_movement_monthly
    union all
    select account_id, livemode, currency, month, active_customers
    from mart.customer_activity_monthly
    union all
    -- money of nobody: payments without a customer, fees
    select
        account_id,
        livemode,
        currency,
        date_trunc('month', day::timestamp)::date,
        0
    from mart.revenue_daily
),

summed as (
    select
        account_id,
        livemode,
        currency,
        min(month) as first_month,
        max(month) as last_month,
        max(customers) as customers
    from monthly
    group by account_id, livemode, currency
),

-- where nothing has moved since is known as well
reached as (
    select
        seen.account_id,
        seen.livemode,
        greatest(
            seen.last_month,
            date_trunc('month', reach.data_through at time zone (select ops.choice('reporting_timezone')))::date
        ) as last_month
    from (
        select account_id, livemode, max(last_month) as last_month
        from summed
        group by account_id, livemode
    ) as seen
    cross join lateral ops.account_reach(seen.account_id, seen.livemode) as reach
),

final as (
    select
        summed.account_id,
        summed.livemode,
        summed.currency,
        known.exponent,
        summed.first_month,
        -- what is known of one currency of an account is known of all
        reached.last_month,
        summed.customers
    from summed
    inner join reached using (account_id, livemode)
    left join dwh.currency_dim as known on summed.currency = known.currency
)

select * from final;

create unique index currency_span_key on mart.currency_span (account_id, livemode, currency);
comment on materialized view mart.currency_span is
'Grain: one row per account, mode and currency of which there are numbers. What the Revenue page can be asked for.';
comment on column mart.currency_span.account_id is 'Stripe account (acct_...).';
comment on column mart.currency_span.livemode is 'False for test data.';
comment on column mart.currency_span.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.currency_span.exponent is
'Decimals of the currency; null where dwh.currency_dim does not know it.';
comment on column mart.currency_span.first_month is
'First month with MRR, a payment or another movement of money in the currency.';
comment on column mart.currency_span.last_month is
'Last month of which anything is known of the account, in whatever currency.';
comment on column mart.currency_span.customers is
'Most customers who had MRR, or paid, in one month: which currency matters most.';
