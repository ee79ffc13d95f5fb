/* An instant as files have it: ISO 8601, in UTC where it names no zone. */
create function staging.instant(value text) returns timestamptz
language sql
immutable strict parallel safe
set timezone = 'UTC'
as $$
    select value::timestamptz
$$;
comment on function staging.instant(text) is 'The instant of an ISO 8601 text, in UTC unless it names its zone.';
