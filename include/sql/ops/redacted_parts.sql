/* A document in which what belongs to erased customers is redacted, and all else as it was. */
create function ops.redacted_parts(document jsonb, erased text[], is_anothers boolean default false) returns jsonb
language plpgsql
stable parallel safe
as $$
declare
    previous jsonb := '{}';
    is_inside_anothers boolean;
begin
    if jsonb_typeof(document) = 'array' then
        return (
            select coalesce(jsonb_agg(ops.redacted_parts(e.element, erased, is_anothers) order by e.place), '[]')
            from jsonb_array_elements(document) with ordinality as e (element, place)
        );
    elsif jsonb_typeof(document) <> 'object' then
        return document;
    elsif jsonb_typeof(document -> 'object') = 'string' and ops.belongs_to_erased(document, erased, is_anothers) then
        return ops.redacted(document);
    elsif ops.was_of_erased(document, erased) then
        -- it is of the same kind as the object, and does not say so
        previous := jsonb_build_object(
            'previous_attributes', ops.redacted(document -> 'previous_attributes', document #>> '{object,object}')
        );
        document := document - 'previous_attributes';
    end if;
    is_inside_anothers := coalesce(
        ops.owner_of(case jsonb_typeof(document -> 'object') when 'object' then document -> 'object' else document end)
        <> all(erased),
        is_anothers
    );
    return (
        select coalesce(jsonb_object_agg(e.key, ops.redacted_parts(e.value, erased, is_inside_anothers)), '{}')
        from jsonb_each(document) as e
    ) || previous;
end
$$;
comment on function ops.redacted_parts(jsonb, text[], boolean) is
'A document with its parts that belong to erased customers redacted, as ops.erased_parts finds them.';
