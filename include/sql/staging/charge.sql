/* Reads a charge, in every shape, newest path first. */
create function staging.charge(body jsonb) returns table (
    customer_id text,
    invoice_id text,
    payment_intent_id text,
    payment_method_id text,
    balance_transaction_id text,
    status text,
    currency text,
    failure_code text,
    failure_message text,
    outcome_type text,
    risk_level text,
    amount_minor bigint,
    amount_captured_minor bigint,
    amount_refunded_minor bigint,
    payment_method jsonb,
    is_captured boolean,
    is_disputed boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        -- gone from 2025-03-31.basil on: there the invoice's payments name the payment intent
        staging.id_of(r.invoice),
        staging.id_of(r.payment_intent),
        coalesce(staging.id_of(r.payment_method), staging.id_of(r.source), staging.id_of(r.card)),
        staging.id_of(r.balance_transaction),
        case
            when r.status = 'paid' then 'succeeded'
            when r.status is not null then r.status
            when r.paid then 'succeeded'
            when not r.paid then 'failed'
        end,
        lower(r.currency),
        r.failure_code,
        r.failure_message,
        r.outcome ->> 'type',
        r.outcome ->> 'risk_level',
        r.amount,
        coalesce(
            r.amount_captured,
            -- before 2019 a charge that failed was called captured all the same
            case when coalesce(r.captured, true) and coalesce(r.status <> 'failed', r.paid, true) then r.amount else 0 end
        ),
        coalesce(r.amount_refunded, 0),
        case
            when jsonb_typeof(r.payment_method_details) = 'object' then r.payment_method_details
            when jsonb_typeof(r.source) = 'object' then r.source
            when jsonb_typeof(r.card) = 'object' then r.card
        end,
        coalesce(r.captured, true),
        coalesce(r.disputed, jsonb_typeof(r.dispute) in ('string', 'object'), false),
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        customer jsonb,
        invoice jsonb,
        payment_intent jsonb,
        payment_method jsonb,
        payment_method_details jsonb,
        source jsonb,
        card jsonb,
        balance_transaction jsonb,
        status text,
        paid boolean,
        currency text,
        failure_code text,
        failure_message text,
        outcome jsonb,
        amount bigint,
        amount_captured bigint,
        amount_refunded bigint,
        captured boolean,
        dispute jsonb,
        disputed boolean,
        created bigint
    )
$$;
comment on function staging.charge(jsonb) is 'Typed columns of a charge document of any API version.';
