/* Totals that Stripe gives as an array of parts, for example total_taxes. */
create function staging.sum_of(parts jsonb, amount_key text) returns bigint
language sql
immutable parallel safe
as $$
    select sum((part ->> amount_key)::bigint)::bigint
    from jsonb_array_elements(case jsonb_typeof(parts) when 'array' then parts else '[]' end) as part
$$;
comment on function staging.sum_of(jsonb, text) is
'Sum in minor units of one key over an array of objects; null when the array is empty or absent.';
