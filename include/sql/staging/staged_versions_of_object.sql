/* The whole history of one object, with what was staged just now. The offset keeps its rows apart from the rest before
any document is opened. */
create function staging.staged_versions_of_object(
    p_account_id text,
    p_livemode boolean,
    p_object_type text,
    p_object_id text,
    p_since timestamptz default '-infinity'
) returns setof staging.object_version
language sql
stable parallel safe
as $$
    select *
    from staging.object_version
    where
        account_id = p_account_id
        and livemode = p_livemode
        and object_type = p_object_type
        and object_id = p_object_id
        and version_at >= p_since
    offset 0
$$;
comment on function staging.staged_versions_of_object(text, boolean, text, text, timestamptz) is
'All versions of one object from a moment on, in no order; read through an index, whatever the size of the history. '
'The months of raw.event before p_since are not even looked into. Models and checks read versions_of_object.';
