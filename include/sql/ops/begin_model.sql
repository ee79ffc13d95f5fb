/* How every model begins: alone, and with the list of batches that it has yet to apply. */
create function ops.begin_model(p_model text, p_upstream text[] default '{}') returns bigint
language plpgsql
as $$
declare
    pending bigint;
begin
    -- A second run of the same model waits here, and then finds nothing left to do.
    perform pg_advisory_xact_lock(hashtextextended('ops.model.' || p_model, 0));
    perform set_config('tallyhouse.model', p_model, true);

    create temp table pending_batch on commit drop as
    select b.batch_id
    from ops.batch as b
    where
        not exists (
            select 1 from ops.batch_applied as a where a.model = p_model and a.batch_id = b.batch_id
        )
        and not exists (
            select 1
            from unnest(p_upstream) as u (model)
            where not exists (
                select 1 from ops.batch_applied as a where a.model = u.model and a.batch_id = b.batch_id
            )
        );
    get diagnostics pending = row_count;
    analyze pending_batch;
    return pending;
end
$$;
comment on function ops.begin_model(text, text[]) is
    'Takes the model''s lock for this transaction and makes the temporary table pending_batch(batch_id): the batches that p_upstream have applied and this model has not. Returns their number.';
