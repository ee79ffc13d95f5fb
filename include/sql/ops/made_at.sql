/* When an object says that it was created, or null: it may say anything, and this must not be what fails. */
create function ops.made_at(created jsonb) returns timestamptz
language sql
immutable parallel safe
as $$
    select case
        when jsonb_typeof(created) = 'number' and created::numeric between 0 and 100000000000
            then to_timestamp(created::float)
    end
$$;
comment on function ops.made_at(jsonb) is
'Instant of an attribute "created", in seconds since 1970; null for what is no such number.';
