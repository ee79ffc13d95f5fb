/* Reads one item of a subscription; its price is whole inside it. */
create function staging.subscription_item(item jsonb) returns table (
    subscription_item_id text,
    price_id text,
    product_id text,
    currency text,
    interval_unit text,
    usage_type text,
    unit_amount_minor numeric,
    interval_count integer,
    quantity bigint,
    discounts jsonb,
    metadata jsonb,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(coalesce(r.price, r.plan)),
        p.product_id,
        p.currency,
        p.interval_unit,
        p.usage_type,
        p.unit_amount_minor,
        p.interval_count,
        r.quantity,
        staging.discounts_of(r.discounts, null),
        r.metadata,
        to_timestamp(r.created)
    from jsonb_to_record(item) as r (
        id text,
        price jsonb,
        plan jsonb,
        quantity bigint,
        discounts jsonb,
        metadata jsonb,
        created bigint
    )
    cross join lateral staging.price(coalesce(r.price, r.plan, '{}')) as p
$$;
comment on function staging.subscription_item(jsonb) is
'Typed columns of one subscription item, with those of its price that say what it costs and how often.';
