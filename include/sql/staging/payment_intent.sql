/* Reads a payment intent, in every shape, newest path first. */
create function staging.payment_intent(body jsonb) returns table (
    customer_id text,
    invoice_id text,
    payment_method_id text,
    latest_charge_id text,
    status text,
    currency text,
    capture_method text,
    confirmation_method text,
    setup_future_usage text,
    cancellation_reason text,
    last_error_code text,
    last_error_decline_code text,
    last_error_message text,
    amount_minor bigint,
    amount_capturable_minor bigint,
    amount_received_minor bigint,
    application_fee_minor bigint,
    metadata jsonb,
    created_at timestamptz,
    canceled_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        -- gone from 2025-03-31.basil on: there the invoice's payments name the payment intent
        staging.id_of(r.invoice),
        coalesce(staging.id_of(r.payment_method), staging.id_of(r.source)),
        -- Before 2022-11-15 it carried its charges, newest first.
        coalesce(staging.id_of(r.latest_charge), r.charges #>> '{data,0,id}'),
        -- names until 2019-02-11
        case r.status
            when 'requires_source' then 'requires_payment_method'
            when 'requires_source_action' then 'requires_action'
            else r.status
        end,
        lower(r.currency),
        r.capture_method,
        r.confirmation_method,
        r.setup_future_usage,
        r.cancellation_reason,
        r.last_payment_error ->> 'code',
        r.last_payment_error ->> 'decline_code',
        r.last_payment_error ->> 'message',
        r.amount,
        r.amount_capturable,
        r.amount_received,
        r.application_fee_amount,
        r.metadata,
        to_timestamp(r.created),
        to_timestamp(r.canceled_at)
    from jsonb_to_record(body) as r (
        customer jsonb,
        invoice jsonb,
        payment_method jsonb,
        source jsonb,
        latest_charge jsonb,
        charges jsonb,
        status text,
        currency text,
        capture_method text,
        confirmation_method text,
        setup_future_usage text,
        cancellation_reason text,
        last_payment_error jsonb,
        amount bigint,
        amount_capturable bigint,
        amount_received bigint,
        application_fee_amount bigint,
        metadata jsonb,
        created bigint,
        canceled_at bigint
    )
$$;
comment on function staging.payment_intent(jsonb) is
'Typed columns of a payment intent document of any API version; amounts in minor units.';
