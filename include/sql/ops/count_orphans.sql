/* How many references from a table lead nowhere. */
create function ops.count_orphans(
    fact text, dim text, referring text, out references_made bigint, out orphans bigint
)
language plpgsql
stable
as $$
declare
    -- calendars and currencies are everybody's; of a history one row is enough
    same_key text := (
        select string_agg(
            format('f.%I = d.%I', case when a.attname in ('account_id', 'livemode') then a.attname else referring end, a.attname),
            ' and '
        )
        from pg_index as i
        inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey)
        where i.indrelid = ('dwh.' || dim)::regclass and i.indisprimary and a.attname <> 'valid_from'
    );
begin
    execute format(
        'select
            (select count(f.%3$I) from dwh.%1$I as f),
            (
                select count(*)
                from dwh.%1$I as f
                where f.%3$I is not null and not exists (select from dwh.%2$I as d where %4$s)
            )',
        fact, dim, referring, same_key
    ) into references_made, orphans;
end
$$;
comment on function ops.count_orphans(text, text, text) is
'Number of rows of a table of dwh that name an object of another (in the column referring) by its key, and of those '
'whose object is not there.';
