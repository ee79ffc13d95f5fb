/* Grain: one row per currency and day with a movement of money. What came in, what went back, what Stripe kept. */
create materialized view mart.revenue_daily as
with moved as (
    select
        t.account_id,
        t.livemode,
        t.currency,
        (t.occurred_at at time zone policy.value)::date as day,
        count(*) filter (where t.transaction_type = 'charge') as charges,
        coalesce(sum(t.amount_minor) filter (where t.transaction_type = 'charge'), 0) as gross_minor,
        count(*) filter (where t.transaction_type = 'refund') as refunds,
        coalesce(-sum(t.amount_minor) filter (where t.transaction_type = 'refund'), 0) as refunded_minor,
        count(*) filter (where t.transaction_type = 'dispute') as disputes,
        coalesce(
            -sum(t.amount_minor) filter (where t.transaction_type in ('dispute', 'dispute_reversal')), 0
        ) as disputed_minor,
        sum(t.amount_minor) as net_minor
    from dwh.transaction_fact as t
    inner join ops.reported_mode as mode on t.livemode = mode.livemode
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
    -- what tells rows apart comes first: where groups are sorted, most comparisons end with it
    group by (t.occurred_at at time zone policy.value)::date, t.currency, t.account_id, t.livemode
),

charged as (
    -- what Stripe takes off a movement, or as a transaction of its own
    select
        b.account_id,
        b.livemode,
        b.balance_transaction_id,
        b.currency,
        b.exchange_rate,
        (b.created_at at time zone policy.value)::date as day,
        coalesce(b.fee_minor, 0)
        - case
            when
                b.reporting_category = 'fee'
                or b.balance_transaction_type in ('stripe_fee', 'stripe_fx_fee', 'tax_fee', 'network_cost')
                then b.amount_minor
            else 0
        end as fee_minor
    from dwh.balance_transaction_fact as b
    inner join ops.reported_mode as mode on b.livemode = mode.livemode
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
),

fee as (
    select
        charged.account_id,
        charged.livemode,
        coalesce(rate.from_currency, charged.currency) as currency,
        charged.day,
        -- back into the currency of the payment, by the rate at which that was converted
        sum(
            case
                when rate.rate is null then charged.fee_minor
                else round(charged.fee_minor * power(10::numeric, paid.exponent - kept.exponent) / rate.rate, 10)
            end
        ) as fees_minor
    from charged
    left join dwh.fx_rate_fact as rate
        on
            charged.exchange_rate is not null
            and charged.account_id = rate.account_id
            and charged.livemode = rate.livemode
            and rate.source_type = 'balance_transaction'
            and charged.balance_transaction_id = rate.source_id
    left join dwh.currency_dim as paid on rate.from_currency = paid.currency
    left join dwh.currency_dim as kept on rate.to_currency = kept.currency
    where charged.fee_minor <> 0 and charged.currency is not null and charged.day is not null
    group by charged.day, coalesce(rate.from_currency, charged.currency), charged.account_id, charged.livemode
),

joined as (
    select
        account_id,
        livemode,
        currency,
        day,
        coalesce(moved.charges, 0) as charges,
        coalesce(moved.gross_minor, 0) as gross_minor,
        coalesce(moved.refunds, 0) as refunds,
        coalesce(moved.refunded_minor, 0) as refunded_minor,
        coalesce(moved.disputes, 0) as disputes,
        coalesce(moved.disputed_minor, 0) as disputed_minor,
        coalesce(moved.net_minor, 0) as net_minor,
        coalesce(fee.fees_minor, 0) as fees_minor,
        coalesce(moved.net_minor, 0) - coalesce(fee.fees_minor, 0) as net_after_fees_minor
    from moved
    full join fee using (account_id, livemode, currency, day)
),

final as (
    select
        joined.*,
        ops.converted(joined.gross_minor, rate.rate) as gross_reporting_minor,
        ops.converted(joined.refunded_minor, rate.rate) as refunded_reporting_minor,
        ops.converted(joined.disputed_minor, rate.rate) as disputed_reporting_minor,
        ops.converted(joined.net_minor, rate.rate) as net_reporting_minor,
        ops.converted(joined.fees_minor, rate.rate) as fees_reporting_minor,
        ops.converted(joined.net_after_fees_minor, rate.rate) as net_after_fees_reporting_minor
    from joined
    left join mart.reporting_rate_daily as rate on joined.currency = rate.currency and joined.day = rate.day
)

select * from final;

create unique index revenue_daily_key on mart.revenue_daily (account_id, livemode, currency, day);
comment on materialized view mart.revenue_daily is
'Grain: one row per currency and day with a movement of money. net = gross - refunds - disputes; after fees: - fees.';
comment on column mart.revenue_daily.account_id is 'Stripe account (acct_...).';
comment on column mart.revenue_daily.livemode is 'False for test data.';
comment on column mart.revenue_daily.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.revenue_daily.day is 'Day in the reporting time zone.';
comment on column mart.revenue_daily.charges is 'Successful charges.';
comment on column mart.revenue_daily.gross_minor is 'Sum of successful charges, minor units.';
comment on column mart.revenue_daily.refunds is 'Refunds that did not fail.';
comment on column mart.revenue_daily.refunded_minor is 'Sum of these refunds, minor units, positive.';
comment on column mart.revenue_daily.disputes is 'Disputes for which money was withdrawn.';
comment on column mart.revenue_daily.disputed_minor is
'Money withdrawn for disputes less what was reinstated, minor units: negative on a day when more came back.';
comment on column mart.revenue_daily.net_minor is 'gross_minor - refunded_minor - disputed_minor.';
comment on column mart.revenue_daily.fees_minor is
'Fees of the day''s balance transactions, positive, in the currency of the payment (see docs/metrics.md).';
comment on column mart.revenue_daily.net_after_fees_minor is 'net_minor - fees_minor.';
comment on column mart.revenue_daily.gross_reporting_minor is
'gross_minor in the reporting currency (see mart.reporting_rate_daily), its minor units; null without a rate.';
comment on column mart.revenue_daily.refunded_reporting_minor is 'refunded_minor in the reporting currency, likewise.';
comment on column mart.revenue_daily.disputed_reporting_minor is 'disputed_minor in the reporting currency, likewise.';
comment on column mart.revenue_daily.net_reporting_minor is 'net_minor in the reporting currency.';
comment on column mart.revenue_daily.fees_reporting_minor is 'fees_minor in the reporting currency.';
comment on column mart.revenue_daily.net_after_fees_reporting_minor is
'net_after_fees_minor in the reporting currency.';
