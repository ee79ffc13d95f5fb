/* Reads a price, or the plan that stands for it in older shapes. */
create function staging.price(body jsonb) returns table (
    product_id text,
    price_type text,
    currency text,
    billing_scheme text,
    tiers_mode text,
    interval_unit text,
    usage_type text,
    nickname text,
    lookup_key text,
    tax_behavior text,
    unit_amount_minor numeric,
    interval_count integer,
    tiers jsonb,
    transform_quantity jsonb,
    currency_options jsonb,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.product),
        coalesce(r.type, case when r.interval is not null then 'recurring' end),
        lower(r.currency),
        r.billing_scheme,
        r.tiers_mode,
        coalesce(r.recurring ->> 'interval', r.interval),
        coalesce(r.recurring ->> 'usage_type', r.usage_type),
        coalesce(r.nickname, r.name),
        r.lookup_key,
        r.tax_behavior,
        -- the decimal is exact where a unit costs a fraction of a cent
        coalesce(r.unit_amount_decimal, r.unit_amount, r.amount_decimal, r.amount),
        coalesce((r.recurring ->> 'interval_count')::integer, r.interval_count),
        r.tiers,
        coalesce(r.transform_quantity, r.transform_usage),
        r.currency_options,
        r.metadata,
        r.active,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        product jsonb,
        type text,
        currency text,
        billing_scheme text,
        tiers_mode text,
        recurring jsonb,
        interval text,
        usage_type text,
        nickname text,
        name text,
        lookup_key text,
        tax_behavior text,
        unit_amount_decimal numeric,
        unit_amount numeric,
        amount_decimal numeric,
        amount numeric,
        interval_count integer,
        tiers jsonb,
        transform_quantity jsonb,
        transform_usage jsonb,
        currency_options jsonb,
        metadata jsonb,
        active boolean,
        created bigint
    )
$$;
comment on function staging.price(jsonb) is
'Typed columns of a price or plan document of any API version; amounts in minor units, maybe fractions of one.';
