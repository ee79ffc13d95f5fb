/* The discounts on something, the same in every API version: events name ids where lists show whole objects. */
create function staging.discounts_of(discounts jsonb, discount jsonb) returns jsonb
language sql
immutable parallel safe
as $$
    -- one object in the old shape, an array of ids in the new one, and both for some years
    select coalesce(jsonb_agg(coalesce(
        to_jsonb(staging.id_of(element)),
        -- discounts had no ids in the oldest shapes; what a coupon gives never changes, how often it was used does
        jsonb_strip_nulls(jsonb_build_object(
            'coupon', staging.id_of(element -> 'coupon'),
            'percent_off', element #> '{coupon,percent_off}',
            'amount_off', element #> '{coupon,amount_off}',
            'currency', element #> '{coupon,currency}',
            'duration', element #> '{coupon,duration}',
            'start', element -> 'start',
            'end', element -> 'end'
        ))
    ) order by place), '[]')
    from jsonb_array_elements(
        case
            when jsonb_array_length(staging.list_items(discounts)) > 0 then staging.list_items(discounts)
            when jsonb_typeof(discount) in ('object', 'string') then jsonb_build_array(discount)
            else '[]'
        end
    ) with ordinality as listed (element, place)
$$;
comment on function staging.discounts_of(jsonb, jsonb) is
'JSON array of the ids of discounts, from an array of ids or objects, or from the one object of older shapes; a '
'discount without an id is {coupon, percent_off, amount_off, currency, duration, start, end} without nulls.';
