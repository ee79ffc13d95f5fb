/* The calendar and the currencies. */
create table dwh.date_dim (
    date_sk integer primary key,
    day date not null unique,
    year integer not null,
    quarter integer not null,
    month integer not null,
    day_of_month integer not null,
    iso_year integer not null,
    iso_week integer not null,
    iso_weekday integer not null,
    month_start date not null,
    month_end date not null,
    is_weekend boolean not null
);
comment on table dwh.date_dim is 'Grain: one row per calendar day from 2000 to 2049.';
comment on column dwh.date_dim.date_sk is 'Key: yyyymmdd.';
comment on column dwh.date_dim.day is 'The day.';
comment on column dwh.date_dim.year is 'Calendar year.';
comment on column dwh.date_dim.quarter is 'Quarter, 1 to 4.';
comment on column dwh.date_dim.month is 'Month, 1 to 12.';
comment on column dwh.date_dim.day_of_month is 'Day of the month, 1 to 31.';
comment on column dwh.date_dim.iso_year is 'Year of the ISO 8601 week.';
comment on column dwh.date_dim.iso_week is 'ISO 8601 week, 1 to 53.';
comment on column dwh.date_dim.iso_weekday is 'ISO 8601 weekday, Monday is 1.';
comment on column dwh.date_dim.month_start is 'First day of the month.';
comment on column dwh.date_dim.month_end is 'Last day of the month.';
comment on column dwh.date_dim.is_weekend is 'Saturday or Sunday.';

create table dwh.currency_dim (
    currency text primary key,
    exponent integer not null
);
comment on table dwh.currency_dim is 'Grain: one row per currency that Stripe presents.';
comment on column dwh.currency_dim.currency is 'ISO 4217, lower case, as in Stripe.';
comment on column dwh.currency_dim.exponent is
'Decimals of Stripe''s minor unit: major amount = minor amount / 10 ^ exponent.';
