/* A reference to another object is its id, or, where somebody asked for it, the whole object. */
create function staging.id_of(reference jsonb) returns text
language sql
immutable parallel safe
as $$
    select case jsonb_typeof(reference) when 'object' then reference ->> 'id' else reference #>> '{}' end
$$;
comment on function staging.id_of(jsonb) is 'Id of a referenced object, expanded or not; null for JSON null.';
