/* Grain: one row per currency, balance, day and type with a transaction. What moved the balance at Stripe. */
create materialized view mart.balance_daily as
with moved as (
    select
        b.account_id,
        b.livemode,
        b.currency,
        coalesce(b.balance_type, 'payments') as balance_type,
        (b.created_at at time zone policy.value)::date as day,
        b.balance_transaction_type,
        count(*) as transactions,
        sum(b.amount_minor) as amount_minor,
        sum(b.fee_minor) as fee_minor,
        sum(b.net_minor) as net_minor
    from dwh.balance_transaction_fact as b
    inner join ops.reported_mode as mode on b.livemode = mode.livemode
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone' and b.currency is not null and b.created_at is not null
    -- what tells rows apart comes first: where groups are sorted, most comparisons end with it
    group by
        (b.created_at at time zone policy.value)::date,
        b.balance_transaction_type,
        b.currency,
        coalesce(b.balance_type, 'payments'),
        b.account_id,
        b.livemode
),

-- once, not for each row
calendar as materialized (
    select seen.account_id, seen.livemode, period.starts_on as day, period.is_complete
    from (
        select account_id, livemode, min(day) as first_day
        from moved
        group by account_id, livemode
    ) as seen
    cross join
        lateral ops.complete_periods(seen.account_id, seen.livemode, seen.first_day, interval '1 day') as period
),

final as (
    select
        moved.account_id,
        moved.livemode,
        moved.currency,
        moved.balance_type,
        moved.day,
        coalesce(moved.balance_transaction_type, 'unknown') as balance_transaction_type,
        moved.transactions,
        moved.amount_minor,
        moved.fee_minor,
        moved.net_minor,
        sum(moved.net_minor) over history as closing_balance_minor,
        ops.converted(moved.net_minor, rate.rate) as net_reporting_minor,
        ops.converted(sum(moved.net_minor) over history, rate.rate) as closing_balance_reporting_minor,
        coalesce(calendar.is_complete, false) as is_complete
    from moved
    left join mart.reporting_rate_daily as rate on moved.currency = rate.currency and moved.day = rate.day
    left join calendar
        on
            moved.account_id = calendar.account_id
            and moved.livemode = calendar.livemode
            and moved.day = calendar.day
    -- all types of a day together
    window history as (
        partition by moved.account_id, moved.livemode, moved.currency, moved.balance_type order by moved.day
    )
)

select * from final;

create unique index balance_daily_key
on mart.balance_daily (account_id, livemode, currency, balance_type, day, balance_transaction_type);
comment on materialized view mart.balance_daily is
'Grain: one row per currency, balance, day and type of transaction. net = amount - fee; closing = sum of net so far.';
comment on column mart.balance_daily.account_id is 'Stripe account (acct_...).';
comment on column mart.balance_daily.livemode is 'False for test data.';
comment on column mart.balance_daily.currency is 'Currency of the balance, ISO 4217, lower case.';
comment on column mart.balance_daily.balance_type is 'Balance: payments, issuing, ...';
comment on column mart.balance_daily.day is 'Day in the reporting time zone on which the transactions were created.';
comment on column mart.balance_daily.balance_transaction_type is
'charge, refund, adjustment, stripe_fee, payout, ...; unknown where Stripe does not say.';
comment on column mart.balance_daily.transactions is 'Balance transactions.';
comment on column mart.balance_daily.amount_minor is 'Sum before fees, minor units, signed.';
comment on column mart.balance_daily.fee_minor is 'Sum of their fees, minor units, positive when paid.';
comment on column mart.balance_daily.net_minor is 'amount_minor - fee_minor: what the balance gained or lost.';
comment on column mart.balance_daily.closing_balance_minor is
'Balance as the day ends, all types together, pending and available, from the first known transaction on.';
comment on column mart.balance_daily.net_reporting_minor is
'net_minor in the reporting currency (see mart.reporting_rate_daily), its minor units; null without a rate.';
comment on column mart.balance_daily.closing_balance_reporting_minor is
'closing_balance_minor in the reporting currency, by the rate of the day.';
comment on column mart.balance_daily.is_complete is
'Whether all events of the day have been fetched and loaded, and no open gap touches it.';
