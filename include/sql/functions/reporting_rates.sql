/* What one minor unit of each currency was worth in the reporting currency, on the days on which somebody saw it. */
create function dwh.reporting_rates() returns table (
    currency text,
    rate_date date,
    rate numeric
)
language sql
stable
as $$
    with reporting as (
        select known.currency, known.exponent
        from dwh.currency_dim as known
        where known.currency = ops.reporting_currency()
    ),

    seen as (
        select f.from_currency as currency, f.rate_date, f.rate, 0 as detour, f.observed_at, f.source_id
        from dwh.fx_rate_fact as f
        inner join reporting on f.to_currency = reporting.currency
        union all
        -- the other way round, where nobody exchanged this way on that day
        select f.to_currency, f.rate_date, 1 / f.rate, 1, f.observed_at, f.source_id
        from dwh.fx_rate_fact as f
        inner join reporting on f.from_currency = reporting.currency
    ),

    latest as (
        select distinct on (seen.currency, seen.rate_date) seen.currency, seen.rate_date, seen.rate
        from seen
        order by
            seen.currency asc, seen.rate_date asc, seen.detour asc, seen.observed_at desc, seen.source_id desc
    )

    select
        latest.currency,
        latest.rate_date,
        trim_scale(latest.rate * power(10::numeric, reporting.exponent - known.exponent))
    from latest
    inner join dwh.currency_dim as known on latest.currency = known.currency
    cross join reporting
    union all
    select reporting.currency, date '2000-01-01', 1
    from reporting
$$;
comment on function dwh.reporting_rates() is
'One row per currency and UTC day with a rate to the reporting currency (ops.reporting_currency): minor units of it '
'for one minor unit of the currency. The reporting currency itself has one row, from 2000 on.';
