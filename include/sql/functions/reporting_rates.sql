/* What one minor unit of each currency is worth in the reporting currency, from each day on which that changes. */
create function dwh.reporting_rates() returns table (
    currency text,
    valid_from date,
    rate_date date,
    source_type text,
    rate numeric
)
language sql
stable
as $$
    with reporting as (
        select known.currency, known.exponent, ops.choice('fx_file_rate_days')::integer as file_days
        from dwh.currency_dim as known
        where known.currency = ops.reporting_currency()
    ),

    seen as (
        select f.from_currency as currency, f.source_type, f.rate_date, f.rate, 0 as detour, f.observed_at, f.source_id
        from dwh.fx_rate_fact as f
        inner join reporting on f.to_currency = reporting.currency
        -- what somebody tried out is no rate for what was earned
        where f.livemode is null or f.livemode in (select mode.livemode from ops.reported_mode as mode)
        union all
        -- the other way round, where nobody exchanged this way on that day
        select f.to_currency, f.source_type, f.rate_date, 1 / f.rate, 1, f.observed_at, f.source_id
        from dwh.fx_rate_fact as f
        inner join reporting on f.from_currency = reporting.currency
        where f.livemode is null or f.livemode in (select mode.livemode from ops.reported_mode as mode)
    ),

    latest as (
        select distinct on (seen.currency, seen.source_type, seen.rate_date)
            seen.currency,
            seen.source_type,
            seen.rate_date,
            seen.rate
        from seen
        order by
            seen.currency asc, seen.source_type asc, seen.rate_date asc, seen.detour asc, seen.observed_at desc,
            seen.source_id desc
    ),

    -- the days on which another rate may begin to count: its own, and that on which a file's loses its privilege
    step as (
        select
            latest.currency,
            latest.rate_date as valid_from,
            case when latest.source_type = 'file' then latest.rate_date end as file_date,
            case when latest.source_type <> 'file' then latest.rate_date end as stripe_date
        from latest
        union all
        select latest.currency, latest.rate_date + reporting.file_days, null, null
        from latest
        cross join reporting
        where latest.source_type = 'file'
    ),

    known as (
        select distinct
            step.currency,
            step.valid_from,
            max(step.file_date) over history as file_date,
            max(step.stripe_date) over history as stripe_date
        from step
        window history as (partition by step.currency order by step.valid_from)
    ),

    chosen as (
        select
            known.currency,
            known.valid_from,
            known.file_date is not null
            and (
                known.stripe_date is null
                or known.valid_from < known.file_date + reporting.file_days
                -- of one day the file's, unless Stripe's come first
                or known.file_date + least(reporting.file_days, 1) > known.stripe_date
            ) as is_of_file,
            known.file_date,
            known.stripe_date
        from known
        cross join reporting
    )

    select
        chosen.currency,
        chosen.valid_from,
        latest.rate_date,
        latest.source_type,
        trim_scale(latest.rate * power(10::numeric, reporting.exponent - sold.exponent))
    from chosen
    inner join latest
        on
            chosen.currency = latest.currency
            and chosen.is_of_file = (latest.source_type = 'file')
            and case when chosen.is_of_file then chosen.file_date else chosen.stripe_date end = latest.rate_date
    inner join dwh.currency_dim as sold on chosen.currency = sold.currency
    cross join reporting
    union all
    select reporting.currency, date '2000-01-01', date '2000-01-01', null, 1
    from reporting
$$;
comment on function dwh.reporting_rates() is
'Per currency, the days from which on (valid_from) a rate to the reporting currency (ops.reporting_currency) counts, '
'until the next of them: minor units of it for one minor unit of the currency, the day of the rate and where it is '
'from. A file''s counts before Stripe''s for as many days as policy fx_file_rate_days says. The reporting currency '
'itself has one row, from 2000 on.';
