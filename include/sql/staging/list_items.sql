/* A nested list is {"object": "list", "data": [...]}, a bare array in the oldest shapes, or absent. */
create function staging.list_items(list jsonb) returns jsonb
language sql
immutable parallel safe
as $$
    select case jsonb_typeof(list)
        when 'array' then list
        when 'object' then case when jsonb_typeof(list -> 'data') = 'array' then list -> 'data' else '[]' end
        else '[]'
    end
$$;
comment on function staging.list_items(jsonb) is
'The elements of a nested list as a JSON array; empty when there is none.';
