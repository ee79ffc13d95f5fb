/* What stays of a user's id: the id, as the link between money and installs, unless it is an address. */
create function ops.erased_user_id(user_id text) returns text
language sql
stable strict parallel safe
as $$
    select case when user_id like '%@%' or user_id like 'sha256:%' then ops.user_hash(user_id) else user_id end
$$;
comment on function ops.erased_user_id(text) is
'The id of an erased user: the same, or where it is an e-mail address its keyed hash, in metadata and in files alike.';
