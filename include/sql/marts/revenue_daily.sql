/* Grain: one row per currency and day with a movement of money. What came in and what went back. */
create materialized view mart.revenue_daily as
with final as (
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
    group by t.account_id, t.livemode, t.currency, (t.occurred_at at time zone policy.value)::date
)

select * from final;

create unique index revenue_daily_key on mart.revenue_daily (account_id, livemode, currency, day);
comment on materialized view mart.revenue_daily is 'Grain: one row per currency and day with a movement of money.';
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
