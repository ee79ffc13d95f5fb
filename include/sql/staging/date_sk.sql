/* The key of a day in dwh.date_dim, by the UTC calendar. */
create function staging.date_sk(at timestamptz) returns integer
language sql
immutable parallel safe
as $$
    select (
        extract(year from at at time zone 'UTC') * 10000
        + extract(month from at at time zone 'UTC') * 100
        + extract(day from at at time zone 'UTC')
    )::integer
$$;
comment on function staging.date_sk(timestamptz) is 'The UTC day of an instant as yyyymmdd, the key of dwh.date_dim.';
