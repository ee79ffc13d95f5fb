/* What facts from files begin with: of each row that the pending batches touch, the latest state. */
create function ops.read_file_rows(p_file_kind text) returns void
language plpgsql
as $$
begin
    create temp table incoming on commit drop as
    select touched_key.row_key, latest.payload, latest.modified_at
    from (
        select distinct file_row.row_key
        from pending_batch
        cross join lateral staging.file_rows_in_batch(pending_batch.batch_id, array[p_file_kind]) as file_row
    ) as touched_key
    cross join lateral staging.latest_file_row(p_file_kind, touched_key.row_key) as latest;
    analyze incoming;
end
$$;
comment on function ops.read_file_rows(text) is
'Makes the temporary table incoming(row_key, payload, modified_at): the latest row of each natural key of a kind that '
'came in the pending batches, and when its file was modified.';
