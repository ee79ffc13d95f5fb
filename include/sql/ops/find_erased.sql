/* The documents of erased customers, found by what they name; and by them what else belongs to these customers. */
create function ops.find_erased(p_account_id text, p_livemode boolean, p_in bigint default null) returns void
language plpgsql
as $$
declare
    -- of a batch that has arrived, or of all batches of an account and mode
    scope text := case
        when p_in is null then format('account_id = %L and livemode = %L', p_account_id, p_livemode)
        else format('batch_id = %s', p_in)
    end;
    sought text[];
    earliest timestamptz;
    is_first boolean := true;
begin
    create temp table if not exists erased_row (
        source text, account_id text, livemode boolean, object_type text, row_id text, row_at timestamptz,
        batch_id bigint, is_theirs boolean,
        primary key (source, account_id, livemode, object_type, row_id, row_at)
    ) on commit drop;
    truncate erased_row;
    select array_agg(distinct o.object_id), min(coalesce(o.since, '-infinity'))
    into sought, earliest
    from ops.erased_object as o
    where p_in is null and o.account_id = p_account_id and o.livemode = p_livemode and o.batch_id is null;
    -- what belongs to the person names more that does: until a look finds nothing new
    while sought is not null or (is_first and p_in is not null) loop
        if to_regclass('pg_temp.erased_mention') is not null then
            drop table erased_mention;
        end if;
        -- Made by a query of its own, which may use all cores: inserts do not. What was made before all that is sought
        -- names none of it; a day, since a list may have been read a little later than it says.
        execute format(
            $sql$
            create temp table erased_mention on commit drop as
            select
                source, account_id, livemode, object_type, object_id, row_id, row_at, batch_id, payload,
                ops.mentioned(account_id, livemode, payload) as erased
            from (
                select
                    'event' as source, account_id, livemode, object_type, object_id, event_id as row_id,
                    created_at as row_at, batch_id, payload
                from raw.event
                where %1$s and created_at >= %3$L
                union all
                select
                    'object', account_id, livemode, object_type, object_id, object_id, observed_at, batch_id, payload
                from raw.object
                where %1$s and observed_at >= %3$L
            ) as document
            where %2$s
            $sql$,
            scope,
            case
                -- A batch is of all erased objects, which may be many: its words are looked up among them, one by one.
                when is_first and p_in is not null then 'ops.mentioned(account_id, livemode, payload) is not null'
                else format(
                    $sql$
                    exists (
                        select from jsonb_path_query(payload, '$.** ? (@.type() == "string")') as word
                        where word #>> '{}' = any(%L)
                    )
                    $sql$,
                    sought
                )
            end,
            case when p_in is null then earliest - interval '1 day' else '-infinity' end
        );
        is_first := false;
        insert into erased_row
        select
            m.source, m.account_id, m.livemode, m.object_type, m.row_id, m.row_at, m.batch_id, theirs.is_theirs
        from erased_mention as m
        cross join lateral (
            select exists (select from ops.erased_parts(m.payload, m.erased)) as is_theirs offset 0
        ) as theirs
        -- Of an object that another customer has taken over all is read again: models make it of that.
        where theirs.is_theirs or m.object_id = any(m.erased)
        on conflict (source, account_id, livemode, object_type, row_id, row_at) do update
        set is_theirs = erased_row.is_theirs or excluded.is_theirs;

        with named as (
            select
                m.account_id, m.livemode, linked.id, min(whose.erasure_id) as erasure_id,
                -- an object of a test clock may be of the future
                min(least(linked.since, m.row_at)) filter (where linked.since is not null) as since
            from erased_mention as m
            cross join lateral ops.erased_parts(m.payload, m.erased) as part
            cross join lateral ops.linked_ids(part, m.erased) as linked
            -- each by the key of the list, which may be long
            cross join lateral (
                select min(o.erasure_id) as erasure_id
                from ops.erased_object as o
                where o.account_id = m.account_id and o.livemode = m.livemode and o.object_id = any(m.erased)
            ) as whose
            left join lateral (
                select true as is_settled
                from ops.erased_object as known
                where
                    known.account_id = m.account_id
                    and known.livemode = m.livemode
                    and known.object_id = linked.id
                    and (known.since is not null or linked.since is null or known.batch_id is not null)
                limit 1
            ) as listed on true
            where listed.is_settled is null
            group by m.account_id, m.livemode, linked.id
        ),

        added as (
            insert into ops.erased_object as known (account_id, livemode, object_id, erasure_id, since)
            select account_id, livemode, id, erasure_id, since
            from named
            -- two batches that end at once wait for one another in one order
            order by account_id, livemode, id
            on conflict (account_id, livemode, object_id) do update set since = excluded.since
            where known.since is null
            returning known.object_id, known.since, (xmax = 0) as is_new
        )

        select array_agg(distinct added.object_id), min(coalesce(added.since, '-infinity'))
        into sought, earliest
        from added
        where added.is_new;
    end loop;
    analyze erased_row;
end
$$;
comment on function ops.find_erased(text, boolean, bigint) is
'Finds the raw documents of the customers in ops.erased_object not looked for yet, in an account and mode, or '
'all in a batch (p_in), and adds what belongs to these customers too. Makes the temporary table erased_row: the key of '
'each row, its batch, and whether anything in it is theirs (is_theirs).';
