/* What the files say of one thing: the row of the latest of them. */
create function staging.latest_file_row(p_file_kind text, p_row_key text[]) returns table (
    payload jsonb, modified_at timestamptz
)
language sql
stable parallel safe
as $$
    select told.payload, told.modified_at
    from raw.file_row as told
    where
        told.file_kind = p_file_kind
        and told.row_key = p_row_key
        and not exists (select 1 from ops.unreleased_batch as coming where coming.batch_id = told.batch_id)
    -- of files modified at one instant always the same
    order by told.modified_at desc, told.sha256 desc, told.line desc
    limit 1
$$;
comment on function staging.latest_file_row(text, text[]) is
'The row with this natural key in the latest file that has one, and when that file was modified; of released batches '
'(see ops.unreleased_batch). Files are ordered by when they were modified, never by when they were loaded.';
