/* Reads a product. */
create function staging.product(body jsonb) returns table (
    name text,
    description text,
    product_type text,
    unit_label text,
    default_price_id text,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.name,
        r.description,
        r.type,
        r.unit_label,
        staging.id_of(r.default_price),
        r.metadata,
        r.active,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        name text,
        description text,
        type text,
        unit_label text,
        default_price jsonb,
        metadata jsonb,
        active boolean,
        created bigint
    )
$$;
comment on function staging.product(jsonb) is 'Typed columns of a product document of any API version.';
