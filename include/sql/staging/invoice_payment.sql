/* Reads a payment of an invoice: its own document, or the one inside an expanded invoice. */
create function staging.invoice_payment(body jsonb) returns table (
    invoice_payment_id text,
    invoice_id text,
    payment_type text,
    payment_intent_id text,
    charge_id text,
    payment_record_id text,
    status text,
    currency text,
    amount_requested_minor bigint,
    amount_paid_minor bigint,
    is_default boolean,
    created_at timestamptz,
    paid_at timestamptz,
    canceled_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(r.invoice),
        r.payment ->> 'type',
        staging.id_of(r.payment -> 'payment_intent'),
        staging.id_of(r.payment -> 'charge'),
        staging.id_of(r.payment -> 'payment_record'),
        r.status,
        lower(r.currency),
        r.amount_requested,
        r.amount_paid,
        r.is_default,
        to_timestamp(r.created),
        to_timestamp((r.status_transitions ->> 'paid_at')::bigint),
        to_timestamp((r.status_transitions ->> 'canceled_at')::bigint)
    from jsonb_to_record(body) as r (
        id text,
        invoice jsonb,
        payment jsonb,
        status text,
        currency text,
        amount_requested bigint,
        amount_paid bigint,
        is_default boolean,
        created bigint,
        status_transitions jsonb
    )
$$;
comment on function staging.invoice_payment(jsonb) is
'Typed columns of an invoice payment (there are some since 2025-03-31.basil); amounts in minor units.';
