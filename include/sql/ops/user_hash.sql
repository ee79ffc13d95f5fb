/* How an erased user of the app is remembered: so that a later file is recognised, and nobody is named. */
create function ops.user_hash(user_id text) returns text
language sql
immutable strict parallel safe
as $$
    select 'sha256:' || encode(sha256(convert_to(user_id, 'UTF8')), 'hex')
$$;
comment on function ops.user_hash(text) is 'SHA-256 of a user''s id, hex, with its name before it.';
