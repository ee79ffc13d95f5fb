/* Which objects of another kind a document names, by id or as a whole, at the places that staging.nesting tells. */
create function staging.named_in(p_parent text, p_child text, body jsonb) returns setof text
language sql
stable parallel safe
as $$
    select distinct staging.id_of(element)
    -- unpacked once, for all places: an operator on a stored document unpacks the whole of it each time
    from (select body || '{}' as unpacked offset 0) as whole
    cross join staging.nesting as n
    cross join lateral jsonb_path_query(whole.unpacked, n.path) as found
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(found) = 'array' then found else jsonb_build_array(found) end
    ) as element
    where n.parent = p_parent and n.child = p_child and not n.is_whole and staging.id_of(element) is not null
$$;
comment on function staging.named_in(text, text, jsonb) is
'Ids of the objects of kind child that a document of kind parent holds or names.';
