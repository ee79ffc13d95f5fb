/* A document in which what belongs to erased customers is redacted, and all else as it was. */
create function ops.redacted_parts(document jsonb, erased text[]) returns jsonb
language plpgsql
stable parallel safe
as $$
begin
    if jsonb_typeof(document) = 'array' then
        return (
            select coalesce(jsonb_agg(ops.redacted_parts(e.element, erased) order by e.place), '[]')
            from jsonb_array_elements(document) with ordinality as e (element, place)
        );
    elsif jsonb_typeof(document) <> 'object' then
        return document;
    elsif document ? 'object' and ops.belongs_to_erased(document, erased) then
        return ops.redacted(document);
    end if;
    return (
        select coalesce(jsonb_object_agg(e.key, ops.redacted_parts(e.value, erased)), '{}')
        from jsonb_each(document) as e
    );
end
$$;
comment on function ops.redacted_parts(jsonb, text[]) is
'A document with its parts that belong to erased customers redacted; erased: ids in ops.erased_object.';
