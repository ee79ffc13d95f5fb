/* For models that keep the latest state only: the newest version of each object wins, whatever came first. */
create function ops.apply_latest(links text[] default '{}') returns text
language plpgsql
as $$
declare
    model_name text := current_setting('tallyhouse.model');
    target regclass := (ops.model_schema() || '.' || quote_ident(model_name))::regclass;
    -- A deletion (rank 3) is final, and one without attributes (rank 4) tells less than any other version; else the
    -- later second, then the rank, then the order of Stripe's listing.
    place text := '(%1$s_rank = 3, %1$s_rank < 4, %1$s_at, %1$s_rank, %1$s_order)';
    newest_first text := replace(trim(both '()' from format(place, 'version')), ',', ' desc,') || ' desc';
    tells_links text := (select string_agg(format('%I is not null', l), ' or ') from unnest(links) as l);
    link_columns text := (select string_agg(quote_ident(l), ', ') from unnest(links) as l);
    keys text;
    columns text;
    readings text;
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
        string_agg(
            -- a newer shape that tells no links takes none away
            case when attname = any(links)
                then format('%1$I = case when excluded.links_at is null then target.%1$I else excluded.%1$I end', attname)
                else format('%1$I = excluded.%1$I', attname)
            end,
            ', ' order by attnum
        ) filter (where attname <> 'deleted_at'),
        bool_or(attname = 'deleted_at')
    into columns, changes, has_deletion
    from pg_attribute
    where attrelid = 'pg_temp.incoming'::regclass and attnum > 0 and not attisdropped;
    readings := columns;
    if tells_links is not null then
        columns := columns || ', links_at, links_rank, links_order';
        readings := readings || format(
            ', case when %1$s then version_at end, case when %1$s then version_rank end, '
            'case when %1$s then version_order end',
            tells_links
        );
        changes := changes || ', links_at = coalesce(excluded.links_at, target.links_at), '
            'links_rank = coalesce(excluded.links_rank, target.links_rank), '
            'links_order = coalesce(excluded.links_order, target.links_order)';
    end if;

    execute format(
        $sql$
        insert into %1$s as target (%2$s)
        select distinct on (%3$s) %4$s
        from incoming
        order by %3$s, %5$s
        on conflict (%3$s) do update set %6$s
        where %7$s < %8$s
        $sql$,
        target, columns, keys, readings, newest_first, changes,
        format(place, 'target.version'), format(place, 'excluded.version')
    );
    get diagnostics written = row_count;
    if has_deletion or tells_links is not null then
        -- without statistics, few of these would be looked for in the whole of the target
        execute format('analyze incoming (%s)', concat_ws(', ', keys, 'version_rank', link_columns));
    end if;
    if has_deletion then
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
    if tells_links is not null then
        -- apart from the state as well: whichever version won, the last that tells them counts
        execute format(
            $sql$
            update %1$s as target
            set (%2$s, links_at, links_rank, links_order) = (%3$s, told.version_at, told.version_rank, told.version_order)
            from (
                select distinct on (%4$s) * from incoming where %5$s order by %4$s, %6$s
            ) as told
            where (%7$s) = (%8$s) and (target.links_at is null or %9$s < %10$s)
            $sql$,
            target, link_columns,
            (select string_agg('told.' || quote_ident(l), ', ') from unnest(links) as l),
            keys, tells_links, newest_first,
            (select string_agg('target.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k),
            (select string_agg('told.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k),
            format(place, 'target.links'), format(place, 'told.version')
        );
    end if;
    select count(*) into objects from incoming;
    return ops.end_model(objects, written);
end
$$;
comment on function ops.apply_latest(text[]) is
'Upserts the temporary table incoming (typed versions of objects, columns named as in the model) into dwh.<model>, '
'guarded by the order of versions, and ends the model. links: columns that newer shapes tell no more, which stay as '
'the last version that tells any of them has them; links_at, links_rank and links_order of the model are its place.';
