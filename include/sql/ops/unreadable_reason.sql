/* Why a document cannot be read by the function of its kind, or by that of what is nested in it. */
create function ops.unreadable_reason(object_type text, body jsonb) returns text
language plpgsql
stable
as $$
declare
    reader text := staging.reading(object_type);
    missing text;
    part record;
begin
    if to_regprocedure(format('staging.%I(jsonb)', reader)) is null then
        return null;
    end if;
    missing := ops.missing_column(reader, body);
    if missing is not null then
        return format('it has no %s', missing);
    end if;
    for part in
        select kind.child, nested.document, nested.is_whole
        from (select distinct n.child from staging.nesting as n where n.parent = object_type) as kind
        cross join lateral staging.nested(object_type, kind.child, body) as nested
    loop
        missing := ops.missing_column(part.child, part.document);
        -- an object that may be there has an id, or is left out: discounts had none before 2020
        if missing is not null and (part.is_whole or part.document ? 'id') then
            return format(
                '%s %s in it has no %s',
                case when part.child ~ '^[aeiou]' then 'an' else 'a' end, replace(part.child, '_', ' '), missing
            );
        end if;
    end loop;
    return null;
exception
    when data_exception or invalid_parameter_value then
        return sqlerrm;
end
$$;
comment on function ops.unreadable_reason(text, jsonb) is
'Null for a document that the staging function of its kind can read, with all that is nested in it; else the error.';
