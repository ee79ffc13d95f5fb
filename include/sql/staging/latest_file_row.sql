/* What the files say of one thing: the row of the latest of them. */
create function staging.latest_file_row(p_file_kind text, p_row_key text[]) returns table (
    payload jsonb, modified_at timestamptz
)
language sql
stable parallel safe
as $$
    select payload, modified_at
    from raw.file_row
    where
        file_kind = p_file_kind
        and row_key = p_row_key
        and batch_id not in (select coming.batch_id from ops.unreleased_batch as coming)
    -- of files modified at one instant always the same
    order by modified_at desc, sha256 desc, line desc
    limit 1
$$;
comment on function staging.latest_file_row(text, text[]) is
'The row with this natural key in the latest file that has one, and when that file was modified. Files are ordered by '
'when they were modified, never by when they were loaded.';
