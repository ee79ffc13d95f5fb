/* How every model ends: its batches are on record as applied, in the transaction that applied them. */
create function ops.end_model(p_object_count bigint, p_row_count bigint) returns text
language plpgsql
as $$
declare
    model_name text := current_setting('tallyhouse.model');
    -- the pipeline's own records are in ops
    target regclass := coalesce(
        to_regclass(format('%I.%I', ops.model_schema(), model_name)), format('ops.%I', model_name)::regclass
    );
    batches bigint;
    report text;
begin
    insert into ops.batch_applied (model, batch_id, object_count, row_count)
    select ops.ledger_name(model_name), batch_id, p_object_count, p_row_count from pending_batch;
    get diagnostics batches = row_count;
    -- The models after it read the table before autovacuum has seen it: without statistics their plans are poor.
    if p_row_count > greatest(1000, (select reltuples from pg_class where oid = target) * 0.1) then
        execute format('analyze %s', target);
    end if;
    report := format(
        '%s: %s batches applied, %s objects touched, %s rows written',
        model_name, batches, p_object_count, p_row_count
    );
    raise notice '%', report;
    return report;
end
$$;
comment on function ops.end_model(bigint, bigint) is
'Records pending_batch as applied by the model that began in this transaction; returns a line for the log.';
