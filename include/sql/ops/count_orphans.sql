/* How many references from a fact lead nowhere; the column that refers has the name of the dimension's key. */
create function ops.count_orphans(
    fact text, dim text, key text, out references_made bigint, out orphans bigint
)
language plpgsql
stable
as $$
declare
    -- what calendars and currencies do not have, and what only dimensions with history have
    of_account text := '';
    of_today text := '';
begin
    if exists (select 1 from pg_attribute where attrelid = ('dwh.' || dim)::regclass and attname = 'account_id') then
        of_account := 'and f.account_id = d.account_id and f.livemode = d.livemode';
    end if;
    if exists (select 1 from pg_attribute where attrelid = ('dwh.' || dim)::regclass and attname = 'is_current') then
        of_today := 'and d.is_current';
    end if;
    execute format(
        'select count(f.%3$I), count(f.%3$I) filter (where d.%3$I is null)
        from dwh.%1$I as f left join dwh.%2$I as d on f.%3$I = d.%3$I %4$s %5$s',
        fact, dim, key, of_account, of_today
    ) into references_made, orphans;
end
$$;
comment on function ops.count_orphans(text, text, text) is
'Number of rows of a table of dwh that name an object of another by its key, and of those whose object is not there.';
