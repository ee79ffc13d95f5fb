/* The elements of an array whose order says nothing, in one order. */
create function staging.sorted(elements jsonb) returns jsonb
language sql
immutable parallel safe
as $$
    select coalesce(jsonb_agg(element order by element), '[]') from jsonb_array_elements(elements) as element
$$;
comment on function staging.sorted(jsonb) is 'The elements of a JSON array in an order of their own; [] for null.';
