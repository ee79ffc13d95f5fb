/* The objects in a document that are of erased customers: the document itself, or some of those inside it. */
create function ops.erased_parts(document jsonb, erased text[]) returns setof jsonb
language plpgsql
stable parallel safe
as $$
begin
    if jsonb_typeof(document) = 'array' then
        return query
        select part
        from jsonb_array_elements(document) as element
        cross join lateral ops.erased_parts(element, erased) as part;
    elsif jsonb_typeof(document) = 'object' then
        if document ? 'object' and ops.belongs_to_erased(document, erased) then
            return next document;
            return;
        end if;
        return query
        select part
        from jsonb_each(document) as attribute
        cross join lateral ops.erased_parts(attribute.value, erased) as part;
    end if;
end
$$;
comment on function ops.erased_parts(jsonb, text[]) is
'The outermost objects in a document that belong to erased customers.';
