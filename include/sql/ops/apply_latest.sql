/* For models that keep the latest state only: the newest version of each object wins, whatever came first. */
create function ops.apply_latest() returns text
language plpgsql
as $$
declare
    model_name text := current_setting('tallyhouse.model');
    target regclass := (ops.model_schema() || '.' || quote_ident(model_name))::regclass;
    keys text;
    columns text;
    changes text;
    has_deletion boolean;
    objects bigint;
    written bigint;
begin
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    into keys
    from pg_index as i
    inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey)
    where i.indrelid = target and i.indisprimary;

    -- Columns go by name; one that the target does not have is an error of the model, raised by the insert.
    select
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(format('%1$I = excluded.%1$I', attname), ', ' order by attnum)
            filter (where attname <> 'deleted_at'),
        bool_or(attname = 'deleted_at')
    into columns, changes, has_deletion
    from pg_attribute
    where attrelid = 'pg_temp.incoming'::regclass and attnum > 0 and not attisdropped;

    -- A deletion (rank 3) is final, and one without attributes (rank 4) tells less than any other version; else the
    -- later second, then the rank, then the order of Stripe's listing.
    execute format(
        $sql$
        insert into %1$s as target (%2$s)
        select distinct on (%3$s) %2$s
        from incoming
        order by
            %3$s, version_rank = 3 desc, version_rank < 4 desc, version_at desc, version_rank desc, version_order desc
        on conflict (%3$s) do update set %4$s
        where (
            target.version_rank = 3, target.version_rank < 4, target.version_at, target.version_rank,
            target.version_order
        ) < (
            excluded.version_rank = 3, excluded.version_rank < 4, excluded.version_at, excluded.version_rank,
            excluded.version_order
        )
        $sql$,
        target, columns, keys, changes
    );
    get diagnostics written = row_count;
    if has_deletion then
        -- without statistics, few deletions would be looked for in the whole of the target
        execute format('analyze incoming (%s, version_rank)', keys);
        -- apart from the state: whichever version won, the first deletion counts
        execute format(
            $sql$
            update %1$s as target
            set deleted_at = deletion.first_at
            from (
                select %2$s, min(version_at) as first_at from incoming where version_rank >= 3 group by %2$s
            ) as deletion
            where (%3$s) = (%4$s) and deletion.first_at < coalesce(target.deleted_at, 'infinity')
            $sql$,
            target, keys,
            (select string_agg('target.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k),
            (select string_agg('deletion.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k)
        );
    end if;
    select count(*) into objects from incoming;
    return ops.end_model(objects, written);
end
$$;
comment on function ops.apply_latest() is
'Upserts the temporary table incoming (typed versions of objects, columns named as in the model) into dwh.<model>, '
'guarded by the order of versions, and ends the model.';
