/* Grain: one row per currency and day since its first rate. What marts multiply by, to show the reporting currency. */
create materialized view mart.reporting_rate_daily as
with last as (
    select max(day) as day from dwh.date_dim
),

rate as (
    select
        known.*,
        lead(known.valid_from) over (partition by known.currency order by known.valid_from) - 1 as valid_to
    from dwh.reporting_rates() as known
),

final as (
    select
        rate.currency,
        listed.day::date as day,
        rate.rate_date,
        rate.source_type,
        rate.rate
    from rate
    cross join last
    cross join
        lateral generate_series(
            rate.valid_from::timestamp, least(rate.valid_to, last.day)::timestamp, interval '1 day'
        ) as listed (day)
)

select * from final;

create unique index reporting_rate_daily_key on mart.reporting_rate_daily (currency, day);
comment on materialized view mart.reporting_rate_daily is
'Grain: one row per currency and day. The rate to the reporting currency that counts then; none, no row.';
comment on column mart.reporting_rate_daily.currency is 'Currency that is converted, ISO 4217, lower case.';
comment on column mart.reporting_rate_daily.day is 'Day, until the end of dwh.date_dim.';
comment on column mart.reporting_rate_daily.rate_date is 'Day of the rate: UTC of Stripe''s, as named of a file''s.';
comment on column mart.reporting_rate_daily.source_type is
'file or balance_transaction (see dwh.fx_rate_fact); null of the reporting currency itself.';
comment on column mart.reporting_rate_daily.rate is
'Minor units of the reporting currency (ops.reporting_currency) for one minor unit of the currency.';
