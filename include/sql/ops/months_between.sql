/* Whole months from one month to another, whatever the time zone of the session. */
create function ops.months_between(from_month date, to_month date) returns integer
language sql
immutable parallel safe
as $$
    select (
        (extract(year from to_month) - extract(year from from_month)) * 12
        + extract(month from to_month) - extract(month from from_month)
    )::integer
$$;
comment on function ops.months_between(date, date) is 'Number of months by which the second date''s month is later.';
