/* Grain: one row per account, mode and month of which there are numbers. Whether all of the month is known. */
create materialized view mart.known_month as
with span as (
    -- of whatever is counted: MRR, payments of customers and of nobody, fees
    select account_id, livemode, min(first_month) as first_month, max(last_month) as last_month
    from mart.currency_span
    group by account_id, livemode
),

final as (
    select span.account_id, span.livemode, period.starts_on as month, period.is_complete
    from span
    cross join
        lateral ops.complete_periods(
            span.account_id, span.livemode, span.first_month, interval '1 month', span.last_month
        ) as period
)

select * from final;

create unique index known_month_key on mart.known_month (account_id, livemode, month);
comment on materialized view mart.known_month is
'Grain: one row per account, mode and month since its first number. Whether sums over the month are final.';
comment on column mart.known_month.account_id is 'Stripe account (acct_...).';
comment on column mart.known_month.livemode is 'False for test data.';
comment on column mart.known_month.month is 'First day of the month, in the reporting time zone.';
comment on column mart.known_month.is_complete is
'Whether all events of the month have been fetched and loaded, and no open gap touches it.';
