/* Grain: one row per currency and day since its first rate. What marts multiply by, to show the reporting currency. */
create materialized view mart.reporting_rate_daily as
with rate as (
    select
        currency,
        rate_date,
        rate,
        coalesce(
            lead(rate_date) over (partition by currency order by rate_date), (select max(day) + 1 from dwh.date_dim)
        ) as next_date
    from dwh.reporting_rates()
),

final as (
    select
        rate.currency,
        listed.day::date as day,
        rate.rate_date,
        rate.rate
    from rate
    cross join
        lateral generate_series(
            rate.rate_date::timestamp, rate.next_date::timestamp - interval '1 day', interval '1 day'
        ) as listed (day)
)

select * from final;

create unique index reporting_rate_daily_key on mart.reporting_rate_daily (currency, day);
comment on materialized view mart.reporting_rate_daily is
'Grain: one row per currency and day. The last rate to the reporting currency on the day or before; none, no row.';
comment on column mart.reporting_rate_daily.currency is 'Currency that is converted, ISO 4217, lower case.';
comment on column mart.reporting_rate_daily.day is 'Day, until the end of dwh.date_dim.';
comment on column mart.reporting_rate_daily.rate_date is 'UTC day on which the rate was seen.';
comment on column mart.reporting_rate_daily.rate is
'Minor units of the reporting currency (ops.reporting_currency) for one minor unit of the currency.';
