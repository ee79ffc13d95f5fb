/* The rows of some kinds that the file of a batch has. */
create function staging.file_rows_in_batch(p_batch_id bigint, p_file_kinds text[]) returns table (
    row_key text[], payload jsonb
)
language sql
stable parallel safe
as $$
    select row_key, payload
    from raw.file_row
    where batch_id = p_batch_id and file_kind = any(p_file_kinds)
$$;
comment on function staging.file_rows_in_batch(bigint, text[]) is
'Rows of raw.file_row that came in a batch, of the kinds named; none where the batch is no file.';
