/* Reads a discount, wherever it is found. Its coupon is whole inside it, or only named. */
create function staging.discount(body jsonb) returns table (
    discount_id text,
    coupon_id text,
    promotion_code_id text,
    customer_id text,
    subscription_id text,
    subscription_item_id text,
    invoice_id text,
    invoice_item_id text,
    checkout_session_id text,
    duration text,
    currency text,
    percent_off numeric,
    amount_off_minor bigint,
    duration_in_months integer,
    is_deleted boolean,
    started_at timestamptz,
    ended_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        coalesce(staging.id_of(r.source -> 'coupon'), staging.id_of(r.coupon)),
        staging.id_of(r.promotion_code),
        staging.id_of(r.customer),
        staging.id_of(r.subscription),
        staging.id_of(r.subscription_item),
        staging.id_of(r.invoice),
        staging.id_of(r.invoice_item),
        staging.id_of(r.checkout_session),
        c.duration,
        c.currency,
        c.percent_off,
        c.amount_off_minor,
        c.duration_in_months,
        coalesce(r.deleted, false),
        to_timestamp(r.start),
        to_timestamp(r."end")
    from jsonb_to_record(body) as r (
        id text,
        source jsonb,
        coupon jsonb,
        promotion_code jsonb,
        customer jsonb,
        subscription jsonb,
        subscription_item jsonb,
        invoice jsonb,
        invoice_item jsonb,
        checkout_session jsonb,
        deleted boolean,
        start bigint,
        "end" bigint
    )
    cross join lateral staging.coupon(
        case
            -- under source from 2025-09-30.clover on
            when jsonb_typeof(r.source -> 'coupon') = 'object' then r.source -> 'coupon'
            when jsonb_typeof(r.coupon) = 'object' then r.coupon
            else '{}'
        end
    ) as c
$$;
comment on function staging.discount(jsonb) is
'Typed columns of a discount of any API version, with those of its coupon; null id in the oldest shapes.';
