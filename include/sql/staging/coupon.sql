/* Reads a coupon. What it applies to, and its other currencies, are there only when they are expanded. */
create function staging.coupon(body jsonb) returns table (
    name text,
    duration text,
    currency text,
    percent_off numeric,
    amount_off_minor bigint,
    duration_in_months integer,
    max_redemptions bigint,
    times_redeemed bigint,
    currency_options jsonb,
    applies_to_product_ids text[],
    metadata jsonb,
    is_valid boolean,
    created_at timestamptz,
    redeem_by_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.name,
        r.duration,
        lower(r.currency),
        r.percent_off,
        r.amount_off,
        r.duration_in_months,
        r.max_redemptions,
        r.times_redeemed,
        r.currency_options,
        case
            when jsonb_typeof(r.applies_to -> 'products') = 'array'
                then array(select jsonb_array_elements_text(r.applies_to -> 'products'))
        end,
        r.metadata,
        r.valid,
        to_timestamp(r.created),
        to_timestamp(r.redeem_by)
    from jsonb_to_record(body) as r (
        name text,
        duration text,
        currency text,
        percent_off numeric,
        amount_off bigint,
        duration_in_months integer,
        max_redemptions bigint,
        times_redeemed bigint,
        currency_options jsonb,
        applies_to jsonb,
        metadata jsonb,
        valid boolean,
        created bigint,
        redeem_by bigint
    )
$$;
comment on function staging.coupon(jsonb) is
'Typed columns of a coupon document of any API version; amounts in minor units.';
