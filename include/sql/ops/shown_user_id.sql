/* The user id that dwh and mart show: where analysts read it, it must be no address. */
create function ops.shown_user_id(user_id text) returns text
language sql
stable strict parallel safe
as $$
    select case
        when user_id like '%@%' and ops.choice('hash_user_addresses') = 'yes' then ops.user_hash(user_id)
        else user_id
    end
$$;
comment on function ops.shown_user_id(text) is
'A user''s id as dwh has it: the same, or where it is an e-mail address its keyed hash (policy hash_user_addresses).';
