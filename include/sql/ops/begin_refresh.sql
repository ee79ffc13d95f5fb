/* How every refresh begins: on record, so that checks know what the view can have seen. */
create function ops.begin_refresh(mart text) returns void
language sql
as $$
    insert into ops.last_run (relation, began_at)
    values (mart, clock_timestamp())
    on conflict (relation) do update set began_at = excluded.began_at
$$;
comment on function ops.begin_refresh(text) is 'Records that a materialized view is refreshed from now on.';
