/* Reads an invoice, in every shape, newest path first. Its lines are read by staging.invoice_line. */
create function staging.invoice(body jsonb) returns table (
    customer_id text,
    subscription_id text,
    charge_id text,
    payment_intent_id text,
    invoice_number text,
    status text,
    billing_reason text,
    collection_method text,
    currency text,
    amount_due_minor bigint,
    amount_paid_minor bigint,
    amount_remaining_minor bigint,
    subtotal_minor bigint,
    discount_minor bigint,
    tax_minor bigint,
    total_minor bigint,
    starting_balance_minor bigint,
    ending_balance_minor bigint,
    application_fee_minor bigint,
    attempt_count integer,
    lines jsonb,
    metadata jsonb,
    is_attempted boolean,
    is_auto_advance boolean,
    has_more_lines boolean,
    created_at timestamptz,
    period_start_at timestamptz,
    period_end_at timestamptz,
    due_at timestamptz,
    next_payment_attempt_at timestamptz,
    finalized_at timestamptz,
    paid_at timestamptz,
    voided_at timestamptz,
    marked_uncollectible_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        coalesce(
            staging.id_of(r.parent #> '{subscription_details,subscription}'),
            staging.id_of(r.subscription)
        ),
        -- from 2025-03-31.basil on its payments tell, which lists are asked for, and events never show
        coalesce(p.charge_id, staging.id_of(r.charge)),
        coalesce(p.payment_intent_id, staging.id_of(r.payment_intent)),
        r.number,
        case
            when r.status is not null then r.status
            when r.paid then 'paid'
            when r.forgiven then 'uncollectible'
            when r.closed then 'void'
            when r.attempted then 'open'
            else 'draft'
        end,
        r.billing_reason,
        coalesce(r.collection_method, r.billing),
        lower(r.currency),
        r.amount_due,
        coalesce(r.amount_paid, case when r.paid then r.amount_due else 0 end),
        coalesce(r.amount_remaining, case when r.paid then 0 else r.amount_due end),
        r.subtotal,
        coalesce(
            staging.sum_of(r.total_discount_amounts, 'amount'),
            -- not told before 2020: what is missing from the total, to which only exclusive taxes were added then
            case
                when r.total_discount_amounts is null and jsonb_typeof(r.discount) = 'object'
                    then r.subtotal + coalesce(r.tax, 0) - r.total
            end,
            0
        ),
        coalesce(
            staging.sum_of(r.total_taxes, 'amount'),
            staging.sum_of(r.total_tax_amounts, 'amount'),
            r.tax,
            0
        ),
        r.total,
        r.starting_balance,
        r.ending_balance,
        coalesce(r.application_fee_amount, r.application_fee),
        r.attempt_count,
        staging.list_items(r.lines),
        r.metadata,
        r.attempted,
        -- until 2018-11-08 all was collected but what was closed, or forgiven, which closed it too
        coalesce(r.auto_advance, not (r.closed or coalesce(r.forgiven, false))),
        coalesce((r.lines ->> 'has_more')::boolean, false),
        to_timestamp(coalesce(r.created, r.date)),
        to_timestamp(r.period_start),
        to_timestamp(r.period_end),
        to_timestamp(r.due_date),
        to_timestamp(r.next_payment_attempt),
        to_timestamp(coalesce((r.status_transitions ->> 'finalized_at')::bigint, r.finalized_at)),
        to_timestamp((r.status_transitions ->> 'paid_at')::bigint),
        to_timestamp((r.status_transitions ->> 'voided_at')::bigint),
        to_timestamp((r.status_transitions ->> 'marked_uncollectible_at')::bigint)
    from jsonb_to_record(body) as r (
        customer jsonb,
        parent jsonb,
        subscription jsonb,
        charge jsonb,
        payment_intent jsonb,
        number text,
        status text,
        paid boolean,
        forgiven boolean,
        closed boolean,
        attempted boolean,
        auto_advance boolean,
        billing_reason text,
        collection_method text,
        billing text,
        currency text,
        amount_due bigint,
        amount_paid bigint,
        amount_remaining bigint,
        subtotal bigint,
        total_discount_amounts jsonb,
        discount jsonb,
        total_taxes jsonb,
        total_tax_amounts jsonb,
        tax bigint,
        total bigint,
        starting_balance bigint,
        ending_balance bigint,
        attempt_count integer,
        lines jsonb,
        metadata jsonb,
        created bigint,
        date bigint,
        period_start bigint,
        period_end bigint,
        due_date bigint,
        next_payment_attempt bigint,
        finalized_at bigint,
        status_transitions jsonb,
        application_fee_amount bigint,
        application_fee bigint,
        payments jsonb
    )
    left join lateral (
        select
            staging.id_of(payment #> '{payment,charge}') as charge_id,
            staging.id_of(payment #> '{payment,payment_intent}') as payment_intent_id
        from jsonb_array_elements(staging.list_items(r.payments)) with ordinality as listed (payment, place)
        -- the one that paid it, else the one that is to
        order by payment ->> 'status' = 'paid' desc, (payment ->> 'is_default')::boolean desc, place
        limit 1
    ) as p on true
$$;
comment on function staging.invoice(jsonb) is
'Typed columns of an invoice document of any API version; amounts in minor units.';
