/* Reads documents for no other reason than to see that they can be read. */
create function ops.read_pending(p_object_type text, p_reading text) returns bigint
language plpgsql
as $$
declare
    documents bigint;
begin
    -- the whole row, as jsonb: every column is computed
    execute format(
        $sql$
        select count(to_jsonb(document))
        from pending_batch
        cross join lateral staging.versions_in_batch(pending_batch.batch_id, $1) as version
        cross join lateral staging.%I(version.body) as document
        $sql$,
        p_reading
    )
    into documents
    using p_object_type;
    return documents;
end
$$;
comment on function ops.read_pending(text, text) is
'Reads every document of one kind in pending_batch by staging.<reading>, and returns their number. Raises the error of '
'a value that no column can hold.';
