/* Which days or months are known to the end: the one rule behind is_complete. */
create function ops.complete_periods(
    p_account_id text, p_livemode boolean, p_from date, p_length interval, p_until date default '-infinity'
) returns table (starts_on date, is_complete boolean)
language sql
stable
as $$
    with reach as (
        select known.fetched_via, known.data_through, ops.choice('reporting_timezone') as reporting_timezone
        from ops.account_reach(complete_periods.p_account_id, complete_periods.p_livemode) as known
    )

    select
        listed.starts_at::date,
        (listed.starts_at + p_length) at time zone reach.reporting_timezone <= reach.data_through
        and not exists (
            select 1
            from ops.gap as g
            where
                g.account_id in (complete_periods.p_account_id, reach.fetched_via)
                and g.livemode = complete_periods.p_livemode
                and g.closed_at is null
                and g.gap_from < (listed.starts_at + p_length) at time zone reach.reporting_timezone
                and g.gap_to > listed.starts_at at time zone reach.reporting_timezone
        )
    from reach
    cross join
        lateral generate_series(
            complete_periods.p_from::timestamp,
            greatest(reach.data_through at time zone reach.reporting_timezone, complete_periods.p_until::timestamp),
            complete_periods.p_length
        ) as listed (starts_at)
$$;
comment on function ops.complete_periods(text, boolean, date, interval, date) is
'The days or months (p_length) of an account from p_from to where its data reaches, or to p_until if that is later, '
'in the reporting time zone. '
'is_complete: all events of it have been fetched and loaded, and no open gap touches it.';
