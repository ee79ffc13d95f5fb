/* What a quantity of a price costs for one of its periods: per unit, in packages, or by tiers. */
create function dwh.period_amount(
    quantity numeric, unit_amount_minor numeric, tiers_mode text, tiers jsonb, transform_quantity jsonb
) returns numeric
language sql
immutable parallel safe
as $$
    select
        case
            when period_amount.tiers_mode is null
                then
                    period_amount.unit_amount_minor * case period_amount.transform_quantity ->> 'round'
                        when 'up' then ceil(quantity / (period_amount.transform_quantity ->> 'divide_by')::numeric)
                        when 'down' then floor(quantity / (period_amount.transform_quantity ->> 'divide_by')::numeric)
                        else quantity
                    end
            else (
                with tier as (
                    select
                        place,
                        -- the last tier is open: null, or the text inf
                        coalesce((nullif(element ->> 'up_to', 'inf'))::numeric, 'Infinity') as up_to,
                        coalesce(lag((nullif(element ->> 'up_to', 'inf'))::numeric) over (order by place), 0) as above,
                        coalesce(
                            (element ->> 'unit_amount_decimal')::numeric,
                            (element ->> 'unit_amount')::numeric,
                            (element ->> 'amount')::numeric,
                            0
                        ) as unit_amount_minor,
                        coalesce(
                            (element ->> 'flat_amount_decimal')::numeric, (element ->> 'flat_amount')::numeric, 0
                        ) as flat_amount_minor
                    from jsonb_array_elements(period_amount.tiers) with ordinality as listed (element, place)
                )

                select
                    case period_amount.tiers_mode
                        -- all units at the price of the tier that they reach
                        when 'volume' then min(quantity * tier.unit_amount_minor + tier.flat_amount_minor)
                            filter (where quantity <= tier.up_to and (quantity > tier.above or tier.place = 1))
                        -- the units inside each tier at its own price; of nothing, the first tier's flat amount is due
                        else sum(
                            (least(quantity, tier.up_to) - tier.above) * tier.unit_amount_minor
                            + tier.flat_amount_minor
                        ) filter (where quantity > tier.above or tier.place = 1)
                    end
                from tier
            )
        end
$$;
comment on function dwh.period_amount(numeric, numeric, text, jsonb, jsonb) is
'What a quantity costs for one period of a price, in minor units, unrounded: unit amount x quantity, or x packages of '
'transform_quantity, or by tiers (volume or graduated, flat amounts included). Null where the price does not tell.';
