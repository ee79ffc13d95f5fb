/* Who may do what, in one place: the migration runner calls it whenever it has created or re-created anything. */
create function ops.grant_roles() returns void
language plpgsql
as $$
declare
    layers regnamespace[] := '{raw,staging,dwh,mart,ops}';
    owned record;
    readable record;
begin
    -- Refreshing, analyzing and migrating take the owner: with one owner, every login of the loader can.
    for owned in
        select format('schema %s', n.oid::regnamespace) as name
        from pg_namespace as n
        where n.oid = any(layers) and n.nspowner <> 'tallyhouse_loader'::regrole
        union all
        select format('table %s', c.oid::regclass)
        from pg_class as c
        where
            c.relnamespace = any(layers)
            and c.relowner <> 'tallyhouse_loader'::regrole
            and c.relkind in ('r', 'p', 'v', 'm')
        union all
        select format('routine %s', p.oid::regprocedure)
        from pg_proc as p
        where p.pronamespace = any(layers) and p.proowner <> 'tallyhouse_loader'::regrole
    loop
        execute format('alter %s owner to tallyhouse_loader', owned.name);
    end loop;

    -- what was readable yesterday may be personal today
    revoke all on all tables in schema raw, staging, dwh, mart, ops from tallyhouse_analyst, tallyhouse_pii;
    revoke all on schema raw, staging, dwh, mart, ops from tallyhouse_analyst, tallyhouse_pii;
    grant usage on schema dwh, mart, ops to tallyhouse_analyst;
    grant select on all tables in schema mart to tallyhouse_analyst;
    -- of ops only what the functions of dwh and the views of mart ask for
    grant select on ops.policy, ops.reported_mode to tallyhouse_analyst;
    -- everybody may call a new function, unless that is taken back
    revoke execute on all routines in schema raw, staging, ops from public, tallyhouse_analyst, tallyhouse_pii;
    grant execute on function ops.choice, ops.converted, ops.reporting_currency to tallyhouse_analyst;

    for readable in
        select
            c.oid::regclass as name,
            string_agg(quote_ident(a.attname), ', ') filter (where p.column_name is null) as open_columns,
            string_agg(quote_ident(a.attname), ', ') filter (where p.column_name is not null) as personal_columns
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        left join ops.personal_column as p on c.relname = p.relation and a.attname = p.column_name
        where c.relnamespace = 'dwh'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        group by c.oid
    loop
        if readable.personal_columns is null then
            execute format('grant select on %s to tallyhouse_analyst', readable.name);
        else
            execute format('grant select (%s) on %s to tallyhouse_analyst', readable.open_columns, readable.name);
            execute format('grant select (%s) on %s to tallyhouse_pii', readable.personal_columns, readable.name);
        end if;
    end loop;
end
$$;
comment on function ops.grant_roles() is
'Makes tallyhouse_loader the owner of everything, lets tallyhouse_analyst read mart, and dwh without the columns of '
'ops.personal_column, and tallyhouse_pii these too. Nobody else sees raw, staging and the books in ops, or calls what '
'is there.';
