/* How every model begins: alone, with the batches that it has yet to apply and the objects that they touch. */
create function ops.begin_model(
    model text, touching text[] default '{}', upstream text[] default '{}'
) returns bigint
language plpgsql
as $$
declare
    -- a rebuild has books and a lock of its own
    ledger_name text := ops.ledger_name(begin_model.model);
    read_before text[] := (select coalesce(array_agg(ops.ledger_name(u.model)), '{}') from unnest(upstream) as u (model));
    pending bigint;
begin
    -- A second run of the same model waits here, and then finds nothing left to do.
    perform pg_advisory_xact_lock(hashtextextended('ops.model.' || ledger_name, 0));
    perform set_config('tallyhouse.model', begin_model.model, true);
    insert into ops.last_run (relation, began_at)
    values (ledger_name, clock_timestamp())
    on conflict (relation) do update set began_at = excluded.began_at;
    -- Histories are sorted: a bulk load in the server's usual 4 MB would go through files.
    if pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') then
        perform set_config('work_mem', '64MB', true);
    end if;
    -- A batch asks for few rows of large tables, and most of their pages are in memory: the server's usual 4, meant for
    -- disks that turn, would have whole tables read until they are very large.
    if current_setting('random_page_cost')::float > 1.1 then
        perform set_config('random_page_cost', '1.1', true);
    end if;

    create temp table pending_batch on commit drop as
    select b.batch_id
    from ops.pending_batches(ledger_name) as b
    where not exists (
        select 1
        from unnest(read_before) as u (model)
        where not exists (
            select 1 from ops.batch_applied as a where a.model = u.model and a.batch_id = b.batch_id
        )
    );
    get diagnostics pending = row_count;
    analyze pending_batch;
    if exists (select from pending_batch inner join ops.batch using (batch_id) where source = 'erasure') then
        perform ops.forget_erased(begin_model.model);
    end if;

    if cardinality(touching) > 0 then
        create temp table touched on commit drop as
        select v.account_id, v.livemode, v.object_type, v.object_id, min(v.version_at) as since
        from pending_batch as b
        cross join unnest(touching) as kind (object_type)
        cross join lateral staging.versions_in_batch(b.batch_id, kind.object_type) as v
        group by v.account_id, v.livemode, v.object_type, v.object_id;
        analyze touched;
    end if;
    return pending;
end
$$;
comment on function ops.begin_model(text, text[], text[]) is
'Takes the model''s lock for this transaction and makes two temporary tables: pending_batch(batch_id), the batches '
'that upstream has applied and this model has not, and, for a model that names kinds in touching, '
'touched(account_id, livemode, object_type, object_id, since), the objects of these kinds that came in them, with the '
'second of the earliest version that came. Returns the number of batches.';
