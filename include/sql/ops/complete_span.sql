/* How far an account is known without a hole, and how far at all: for what takes longer than a month to be decided. */
create function ops.complete_span(p_account_id text, p_livemode boolean, p_from date) returns table (
    complete_until date,
    reached_until date
)
language sql
stable
as $$
    select
        coalesce(min(period.starts_on) filter (where not period.is_complete), max(period.starts_on) + 1),
        max(period.starts_on)
    from ops.complete_periods(p_account_id, p_livemode, p_from, interval '1 day') as period
$$;
comment on function ops.complete_span(text, boolean, date) is
'Of an account, in the reporting time zone: every day from p_from to before complete_until is known to the end (see '
'ops.complete_periods), and reached_until is the last day of which anything is.';
