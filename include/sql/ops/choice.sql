/* The value of a policy: one of the choices on which businesses differ. */
create function ops.choice(p_name text) returns text
language sql
stable parallel safe
as $$
    select value from ops.policy where name = p_name
$$;
comment on function ops.choice(text) is 'The value of a policy in ops.policy; null for a name that is not there.';
