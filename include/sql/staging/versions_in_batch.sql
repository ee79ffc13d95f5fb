/* What came in one batch. The offset keeps the batch's rows apart from the rest before any document is opened. */
create function staging.versions_in_batch(p_batch_id bigint, p_object_type text) returns setof staging.object_version
language sql
stable parallel safe
as $$
    select *
    from staging.object_version
    where batch_id = p_batch_id and object_type = p_object_type
    offset 0
$$;
comment on function staging.versions_in_batch(bigint, text) is
'Versions of one kind of object that came in a batch; read through an index, whatever the size of the history.';
