/* The user id that dwh and mart show: where analysts read it, it must not tell who that is. */
create function ops.shown_user_id(user_id text) returns text
language sql
stable strict parallel safe
as $$
    select case
        when policy.choice = 'all' or (policy.choice = 'yes' and user_id like '%@%') then ops.user_hash(user_id)
        else user_id
    end
    from (select ops.choice('hash_user_addresses') as choice) as policy
$$;
comment on function ops.shown_user_id(text) is
'A user''s id as dwh has it: the same, or its keyed hash where policy hash_user_addresses asks for that: yes, of what '
'is an e-mail address; all, of every id.';
