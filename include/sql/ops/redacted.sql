/* A document of an erased customer: what ops.is_kept names, and nothing else. */
create function ops.redacted(document jsonb, kind text default null, within text default null) returns jsonb
language plpgsql
stable parallel safe
as $$
declare
    own_kind text := coalesce(nullif(document ->> 'object', 'list'), kind);
    user_key text := ops.choice('user_id_metadata_key');
begin
    if jsonb_typeof(document) = 'array' then
        return (
            select coalesce(jsonb_agg(ops.redacted(e.element, own_kind, within) order by e.place), '[]')
            from jsonb_array_elements(document) with ordinality as e (element, place)
            where ops.is_kept(within, jsonb_typeof(e.element), null, own_kind)
        );
    elsif jsonb_typeof(document) <> 'object' or ops.is_shared(document ->> 'object') then
        return document;
    end if;
    return (
        select coalesce(jsonb_object_agg(e.key, ops.redacted(e.value, own_kind, e.key)), '{}')
        from jsonb_each(document) as e
        where ops.is_kept(e.key, jsonb_typeof(e.value), within, own_kind)
    )
    -- the link between a customer and a user of the app, whose id may be an address, a number or a name
    || case
        when own_kind = 'customer' and document -> 'metadata' ->> user_key <> ''
            then jsonb_build_object(
                'metadata', jsonb_build_object(user_key, ops.user_hash(document -> 'metadata' ->> user_key))
            )
        else '{}'
    end;
end
$$;
comment on function ops.redacted(jsonb, text, text) is
'A document without what might tell who the person is. Of a customer''s metadata the hash of the app''s user id stays '
'(policy user_id_metadata_key). kind, within: of what the document is a part, and under which attribute.';
