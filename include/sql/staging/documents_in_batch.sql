/* What a batch tells of one kind of object: in documents of its own, and inside those of other kinds. */
create function staging.documents_in_batch(p_batch_id bigint, p_object_type text) returns table (
    account_id text,
    livemode boolean,
    parent_id text,
    version_at timestamptz,
    version_rank smallint,
    version_order bigint,
    body jsonb
)
language sql
stable parallel safe
as $$
    select v.account_id, v.livemode, null, v.version_at, v.version_rank, v.version_order, v.body
    from staging.versions_in_batch(p_batch_id, p_object_type) as v
    union all
    select
        v.account_id,
        v.livemode,
        v.object_id,
        v.version_at,
        -- Of lists of one instant the object's own tells more. Nothing is deleted because it was inside what was.
        case v.source when 'list' then -2 else least(v.version_rank, 1::smallint) end::smallint,
        -- one list may show an object inside several others: any order of them, but always the same
        case v.source
            when 'list'
                then v.version_order * 2147483648 + (staging.surrogate_key(nested.document::text) & 2147483647)
            else v.version_order
        end,
        nested.document
    from (select distinct n.parent from staging.nesting as n where n.child = p_object_type) as kind
    cross join lateral staging.versions_in_batch(p_batch_id, kind.parent) as v
    -- kept apart, for a document that is opened once, whatever the number of places in it
    cross join lateral (
        select document
        from staging.nested(kind.parent, p_object_type, v.body)
        offset 0
    ) as nested
$$;
comment on function staging.documents_in_batch(bigint, text) is
'Documents of one kind that came in a batch, with their place in the order of versions; parent_id is the object that '
'held it, null for a document of its own.';
