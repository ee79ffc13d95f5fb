/* What an update says of the state before it, against the state that an event before it shows. */
create function ops.contradictions(previous_attributes jsonb, state jsonb) returns table (
    key text, expected jsonb, found jsonb
)
language sql
-- strict keeps it from being inlined, and the documents from being opened once for each key
immutable strict parallel safe
as $$
    with recursive pair as (
        select entry.key, entry.value as expected, state -> entry.key as found
        from jsonb_each(
            case jsonb_typeof(previous_attributes) when 'object' then previous_attributes else '{}' end
        ) as entry
        union all
        -- inside objects Stripe names the keys that changed; arrays it gives whole
        select pair.key || '.' || entry.key, entry.value, pair.found -> entry.key
        from pair
        cross join lateral jsonb_each(
            case
                when jsonb_typeof(pair.expected) = 'object' and jsonb_typeof(pair.found) = 'object' then pair.expected
                else '{}'
            end
        ) as entry
    )

    select pair.key, pair.expected, pair.found
    from pair
    where
        not (jsonb_typeof(pair.expected) = 'object' and coalesce(jsonb_typeof(pair.found), '') = 'object')
        -- a key that is absent and one that is null say the same
        and nullif(pair.expected, 'null') is distinct from nullif(pair.found, 'null')
$$;
comment on function ops.contradictions(jsonb, jsonb) is
'The attributes, by path, whose value before an update (its previous_attributes) is not the one in a state.';
