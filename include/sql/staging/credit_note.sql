/* Reads a credit note, in every shape, newest path first. */
create function staging.credit_note(body jsonb) returns table (
    invoice_id text,
    customer_id text,
    customer_balance_transaction_id text,
    refund_ids text[],
    credit_note_number text,
    credit_note_type text,
    status text,
    reason text,
    memo text,
    currency text,
    amount_minor bigint,
    subtotal_minor bigint,
    discount_minor bigint,
    tax_minor bigint,
    total_minor bigint,
    out_of_band_minor bigint,
    pre_payment_minor bigint,
    post_payment_minor bigint,
    metadata jsonb,
    created_at timestamptz,
    effective_at timestamptz,
    voided_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.invoice),
        staging.id_of(r.customer),
        staging.id_of(r.customer_balance_transaction),
        -- an array from 2025-03-31.basil on
        case
            when jsonb_typeof(r.refunds) = 'array'
                then array(
                    select staging.id_of(part -> 'refund')
                    from jsonb_array_elements(r.refunds) as part
                    where staging.id_of(part -> 'refund') is not null
                    order by 1
                )
            when staging.id_of(r.refund) is not null then array[staging.id_of(r.refund)]
            else '{}'
        end,
        r.number,
        r.type,
        r.status,
        r.reason,
        r.memo,
        lower(r.currency),
        r.amount,
        r.subtotal,
        coalesce(r.discount_amount, staging.sum_of(r.discount_amounts, 'amount'), 0),
        coalesce(staging.sum_of(r.total_taxes, 'amount'), staging.sum_of(r.tax_amounts, 'amount'), 0),
        r.total,
        coalesce(r.out_of_band_amount, 0),
        coalesce(r.pre_payment_amount, case r.type when 'pre_payment' then r.amount when 'post_payment' then 0 end),
        coalesce(r.post_payment_amount, case r.type when 'post_payment' then r.amount when 'pre_payment' then 0 end),
        r.metadata,
        to_timestamp(r.created),
        to_timestamp(coalesce(r.effective_at, r.created)),
        to_timestamp(r.voided_at)
    from jsonb_to_record(body) as r (
        invoice jsonb,
        customer jsonb,
        customer_balance_transaction jsonb,
        refunds jsonb,
        refund jsonb,
        number text,
        type text,
        status text,
        reason text,
        memo text,
        currency text,
        amount bigint,
        subtotal bigint,
        discount_amount bigint,
        discount_amounts jsonb,
        total_taxes jsonb,
        tax_amounts jsonb,
        total bigint,
        out_of_band_amount bigint,
        pre_payment_amount bigint,
        post_payment_amount bigint,
        metadata jsonb,
        created bigint,
        effective_at bigint,
        voided_at bigint
    )
$$;
comment on function staging.credit_note(jsonb) is
'Typed columns of a credit note document of any API version; amounts in minor units.';
