/* The objects in a document that are of erased customers: the document itself, or some of those inside it. */
create function ops.erased_parts(document jsonb, erased text[], is_anothers boolean default false) returns setof jsonb
language plpgsql
stable parallel safe
as $$
declare
    is_inside_anothers boolean;
begin
    if jsonb_typeof(document) = 'array' then
        return query
        select part
        from jsonb_array_elements(document) as element
        cross join lateral ops.erased_parts(element, erased, is_anothers) as part;
    elsif jsonb_typeof(document) = 'object' then
        if jsonb_typeof(document -> 'object') = 'string' and ops.belongs_to_erased(document, erased, is_anothers) then
            return next document;
            return;
        end if;
        -- an event's data: what the object was before may have been of another customer than what it is
        if ops.was_of_erased(document, erased) then
            return next document -> 'previous_attributes';
            document := document - 'previous_attributes';
        end if;
        is_inside_anothers := coalesce(
            ops.owner_of(case jsonb_typeof(document -> 'object') when 'object' then document -> 'object' else document end)
            <> all(erased),
            is_anothers
        );
        return query
        select part
        from jsonb_each(document) as attribute
        cross join lateral ops.erased_parts(attribute.value, erased, is_inside_anothers) as part;
    end if;
end
$$;
comment on function ops.erased_parts(jsonb, text[], boolean) is
'The outermost objects in a document that belong to erased customers; is_anothers: the document stands in an object of '
'a customer who is not erased.';
