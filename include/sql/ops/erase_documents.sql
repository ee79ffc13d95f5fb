/* The documents of erased customers, found by what they name, and redacted: the one place where raw rows change. */
create function ops.erase_documents(p_into bigint default null, p_in bigint default null) returns table (
    relation text,
    row_count bigint
)
language plpgsql
as $$
declare
    -- of a batch that has arrived, or of all batches
    scope text := case when p_in is null then 'true' else format('batch_id = %s', p_in) end;
    sought text[] := (
        select array_agg(distinct o.object_id) from ops.erased_object as o where p_in is not null or o.batch_id is null
    );
begin
    create temp table if not exists erased_row (
        source text, account_id text, livemode boolean, object_type text, row_id text, row_at timestamptz,
        primary key (source, account_id, livemode, object_type, row_id, row_at)
    ) on commit drop;
    truncate erased_row;
    -- what belongs to the person names more that does: until a look finds nothing new
    while sought is not null loop
        if to_regclass('pg_temp.erased_mention') is not null then
            drop table erased_mention;
        end if;
        -- made by a query of its own, which may use all cores: inserts do not
        execute format(
            $sql$
            create temp table erased_mention on commit drop as
            select
                source, account_id, livemode, object_type, row_id, row_at, payload,
                ops.mentioned(account_id, livemode, payload) as erased
            from (
                select 'event' as source, account_id, livemode, object_type, event_id as row_id, created_at as row_at, payload
                from raw.event
                where %1$s
                union all
                select 'object', account_id, livemode, object_type, object_id, observed_at, payload
                from raw.object
                where %1$s
            ) as document
            where exists (
                select from jsonb_path_query(payload, '$.** ? (@.type() == "string")') as word
                where word #>> '{}' = any(%2$L)
            )
            $sql$,
            scope, sought
        );
        insert into erased_row
        select m.source, m.account_id, m.livemode, m.object_type, m.row_id, m.row_at
        from erased_mention as m
        where exists (select from ops.erased_parts(m.payload, m.erased))
        on conflict do nothing;

        with named as (
            select m.account_id, m.livemode, linked.id, min(o.erasure_id) as erasure_id
            from erased_mention as m
            cross join lateral ops.erased_parts(m.payload, m.erased) as part
            cross join lateral ops.linked_ids(part, true) as linked (id)
            inner join ops.erased_object as o
                on m.account_id = o.account_id and m.livemode = o.livemode and o.object_id = any(m.erased)
            where not exists (
                select from ops.erased_object as known
                where known.account_id = m.account_id and known.livemode = m.livemode and known.object_id = linked.id
            )
            group by m.account_id, m.livemode, linked.id
        ),

        added as (
            insert into ops.erased_object (account_id, livemode, object_id, erasure_id)
            select account_id, livemode, id, erasure_id
            from named
            -- two batches that end at once wait for one another in one order
            order by account_id, livemode, id
            on conflict do nothing
            returning object_id
        )

        select array_agg(distinct object_id) into sought from added;
    end loop;

    analyze erased_row;
    update raw.event as e
    set
        payload = ops.redacted_event(e.payload, ops.mentioned(e.account_id, e.livemode, e.payload)),
        -- it may quote a value
        unreadable = case when e.unreadable is not null then 'It could not be read, and was erased.' end,
        batch_id = coalesce(p_into, e.batch_id)
    from erased_row as r
    where
        r.source = 'event'
        and e.account_id = r.account_id
        and e.livemode = r.livemode
        and e.created_at = r.row_at
        and e.event_id = r.row_id;
    get diagnostics row_count = row_count;
    relation := 'raw.event';
    return next;

    update raw.object as o
    set
        payload = ops.redacted_parts(o.payload, ops.mentioned(o.account_id, o.livemode, o.payload)),
        unreadable = case when o.unreadable is not null then 'It could not be read, and was erased.' end,
        batch_id = coalesce(p_into, o.batch_id)
    from erased_row as r
    where
        r.source = 'object'
        and o.account_id = r.account_id
        and o.livemode = r.livemode
        and o.object_type = r.object_type
        and o.object_id = r.row_id
        and o.observed_at = r.row_at;
    get diagnostics row_count = row_count;
    relation := 'raw.object';
    return next;

    -- nobody reads these again: what could not be staged is text, of which nothing can be picked
    update raw.rejected as r
    set reason = 'It could not be staged or read, and was erased.', payload = ''
    where
        (p_in is null or r.batch_id = p_in)
        and exists (
            select from string_to_table(r.payload, '"') as word
            inner join ops.erased_object as o
                on r.account_id = o.account_id and r.livemode = o.livemode and word = o.object_id
        );
    get diagnostics row_count = row_count;
    relation := 'raw.rejected';
    return next;

    -- the raw layer holds nothing more of these
    update ops.erased_object set batch_id = p_into where p_into is not null and ops.erased_object.batch_id is null;
end
$$;
comment on function ops.erase_documents(bigint, bigint) is
'Redacts every raw document of the customers in ops.erased_object and returns how many rows of which table. p_in: '
'only those of that batch. p_into: batch into which they are moved, for models to read them again.';
