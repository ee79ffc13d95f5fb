/* Which batches a model has yet to apply: of those that were released, by its name in the ledger. */
create function ops.pending_batches(p_model text) returns table (batch_id bigint)
language sql
stable
as $$
    select b.batch_id
    from ops.batch as b
    where
        b.released_at is not null
        and not exists (select 1 from ops.batch_applied as a where a.model = p_model and a.batch_id = b.batch_id)
$$;
comment on function ops.pending_batches(text) is
'Batches that were released and that a model, by its name in ops.batch_applied, has not applied.';
