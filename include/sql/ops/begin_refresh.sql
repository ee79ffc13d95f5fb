/* How every refresh begins: on record, so that checks know what the view can have seen; planned for whole tables. */
create function ops.begin_refresh(mart text) returns void
language plpgsql
as $$
begin
    insert into ops.last_run (relation, began_at)
    values (mart, clock_timestamp())
    on conflict (relation) do update set began_at = excluded.began_at;
    -- In the server's usual 4 MB whole tables would be sorted through files. Two refreshes at once stay below 2 GB.
    if pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') then
        perform set_config('work_mem', '64MB', true);
    end if;
    -- The planner takes what was grouped or joined by three columns for a row or two, and would go through whole tables
    -- again for each. Where nothing else can be done, loops remain: that they cost much must not set off a compiler.
    perform set_config('enable_nestloop', 'off', true);
    perform set_config('jit', 'off', true);
end
$$;
comment on function ops.begin_refresh(text) is
'Records that a materialized view is made anew from now on; lets its transaction use memory and join by hashes.';
