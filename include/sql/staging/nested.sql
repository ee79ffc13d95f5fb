/* The objects of another kind that a document holds, at all the places that staging.nesting names. */
create function staging.nested(p_parent text, p_child text, body jsonb) returns table (
    document jsonb,
    is_whole boolean
)
language sql
stable parallel safe
as $$
    select element, n.is_whole
    -- unpacked once, for all places: an operator on a stored document unpacks the whole of it each time
    from (select body || '{}' as unpacked offset 0) as whole
    cross join staging.nesting as n
    cross join lateral jsonb_path_query(whole.unpacked, n.path) as found
    cross join lateral jsonb_array_elements(
        case
            when n.is_whole then staging.list_items(found)
            when jsonb_typeof(found) = 'array' then found
            else jsonb_build_array(found)
        end
    ) as element
    where n.parent = p_parent and n.child = p_child and (n.is_whole or jsonb_typeof(element) = 'object')
$$;
comment on function staging.nested(text, text, jsonb) is
'The documents of kind child inside one of kind parent; ids that stand for them are left out.';
