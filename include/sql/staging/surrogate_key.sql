/* A surrogate key that depends on the natural one alone, so that any order of loading gives the same table. */
create function staging.surrogate_key(natural_key text) returns bigint
language sql
immutable strict parallel safe
as $$
    select ('x' || left(md5(natural_key), 16))::bit(64)::bigint
$$;
comment on function staging.surrogate_key(text) is 'The first 64 bits of the MD5 of a natural key.';
