/* For models with history: the rows of every touched object are rebuilt from all its versions. */
create function ops.apply_history() returns text
language plpgsql
as $$
declare
    model_name text := current_setting('tallyhouse.model');
    target regclass := (ops.model_schema() || '.' || quote_ident(model_name))::regclass;
    surrogate text := quote_ident(regexp_replace(model_name, '_dim$', '_sk'));
    keys text;
    attributes text;
    objects bigint;
    written bigint;
begin
    -- The primary key of a dimension with history is its natural key and valid_from.
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    into keys
    from pg_index as i
    inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey)
    where i.indrelid = target and i.indisprimary and a.attname <> 'valid_from';

    select string_agg(quote_ident(attname), ', ' order by attnum)
    into attributes
    from pg_attribute
    where attrelid = 'pg_temp.incoming'::regclass and attnum > 0 and not attisdropped
        and attname not in ('version_at', 'version_rank', 'version_order')
        and quote_ident(attname) <> all(string_to_array(keys, ', '));

    -- without statistics, few objects would be looked for in the whole of the target
    execute format('analyze incoming (%s)', keys);
    execute format('delete from %1$s using (select distinct %2$s from incoming) as touched where (%3$s) = (%4$s)',
        target, keys,
        (select string_agg(target || '.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k),
        (select string_agg('touched.' || k, ', ') from unnest(string_to_array(keys, ', ')) as k)
    );

    execute format(
        $sql$
        insert into %1$s (%2$s, %3$s, %4$s, valid_from, valid_to, is_current, deleted_at)
        with placed as (
            select
                *,
                -- 0 until the deletion and on it, 1 from the version after it: nothing resurrects an object
                coalesce(
                    count(*) filter (where version_rank >= 3) over (
                        partition by %2$s order by version_at, version_rank, version_order
                        rows between unbounded preceding and 1 preceding
                    ), 0
                ) as deletions_before,
                min(version_rank) over (
                    partition by %2$s order by version_at, version_rank, version_order
                ) as least_rank,
                min(version_at) filter (where version_rank >= 3) over (partition by %2$s) as deleted_at,
                min(least(created_at, version_at)) over (partition by %2$s) as known_from
            from incoming
        ),
        settled as (
            -- the state at the end of each second: history is exact to the second, and no interval is empty
            select distinct on (%2$s, version_at) *
            from placed
            where
                deletions_before = 0
                -- a deletion without attributes (rank 4) is a state only where there is no other
                and (version_rank < 4 or least_rank = 4)
            order by %2$s, version_at, version_rank desc, version_order desc
        ),
        compared as (
            select
                *,
                row_number() over object_history = 1 as is_first,
                row(%4$s) is distinct from lag(row(%4$s)) over object_history as is_changed
            from settled
            window object_history as (partition by %2$s order by version_at)
        ),
        changed as (
            -- the first known state is held to be true since the object was created
            select *, case when is_first then known_from else version_at end as valid_from
            from compared
            where is_first or is_changed
        ),
        spanned as (
            select *, lead(valid_from) over (partition by %2$s order by valid_from) as valid_to
            from changed
        )
        select
            %2$s,
            staging.surrogate_key(concat_ws('|', %2$s, extract(epoch from valid_from))),
            %4$s,
            valid_from,
            valid_to,
            valid_to is null,
            case when valid_to is null then deleted_at end
        from spanned
        $sql$,
        target, keys, surrogate, attributes
    );
    get diagnostics written = row_count;
    execute format('select count(*) from (select distinct %s from incoming) as touched', keys) into objects;
    return ops.end_model(objects, written);
end
$$;
comment on function ops.apply_history() is
'Rebuilds, in dwh.<model>, the history of every object in the temporary table incoming (all versions of the touched '
'objects, columns named as in the model): one row per stretch of unchanged attributes, half-open, without gap or '
'overlap; ends the model.';
