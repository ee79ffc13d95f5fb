/* Grain: one row per day, 2000 to 2049. The calendar of every report. */
select ops.begin_model('date_dim');

create temp table missing on commit drop as
select calendar.day
from generate_series('2000-01-01'::timestamp, '2049-12-31'::timestamp, interval '1 day') as calendar (day)
where not exists (select 1 from dwh.date_dim);

insert into dwh.date_dim (
    date_sk, day, year, quarter, month, day_of_month, iso_year, iso_week, iso_weekday, month_start, month_end,
    is_weekend
)
select
    to_char(day, 'YYYYMMDD')::integer,
    day,
    extract(year from day),
    extract(quarter from day),
    extract(month from day),
    extract(day from day),
    extract(isoyear from day),
    extract(week from day),
    extract(isodow from day),
    date_trunc('month', day)::date,
    (date_trunc('month', day) + interval '1 month' - interval '1 day')::date,
    extract(isodow from day) >= 6
from missing;

select ops.end_model(0, (select count(*) from missing));
