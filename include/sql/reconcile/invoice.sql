/* Grain: one row per invoice that Stripe listed or the warehouse holds. Compared: what was asked for and paid. */
with listed_state as (
    select
        listed.object_id,
        listed.observed_at,
        jsonb_build_object(
            'customer_id', invoice.customer_id,
            'subscription_id', invoice.subscription_id,
            'status', invoice.status,
            'currency', invoice.currency,
            'amount_due_minor', invoice.amount_due_minor,
            'amount_paid_minor', invoice.amount_paid_minor,
            'amount_remaining_minor', invoice.amount_remaining_minor,
            'subtotal_minor', invoice.subtotal_minor,
            'tax_minor', invoice.tax_minor,
            'total_minor', invoice.total_minor
        ) as state
    from listed
    cross join lateral staging.invoice(listed.payload) as invoice
),

held_state as (
    select
        invoice_fact.invoice_id as object_id,
        invoice_fact.version_at,
        jsonb_build_object(
            'customer_id', invoice_fact.customer_id,
            'subscription_id', invoice_fact.subscription_id,
            'status', invoice_fact.status,
            'currency', invoice_fact.currency,
            'amount_due_minor', invoice_fact.amount_due_minor,
            'amount_paid_minor', invoice_fact.amount_paid_minor,
            'amount_remaining_minor', invoice_fact.amount_remaining_minor,
            'subtotal_minor', invoice_fact.subtotal_minor,
            'tax_minor', invoice_fact.tax_minor,
            'total_minor', invoice_fact.total_minor
        ) as state
    from asked
    inner join dwh.invoice_fact
        on asked.account_id = invoice_fact.account_id and asked.livemode = invoice_fact.livemode
    where
        invoice_fact.deleted_at is null
        and (
            (invoice_fact.created_at >= asked.created_from and invoice_fact.created_at < asked.created_to)
            or exists (select 1 from listed where listed.object_id = invoice_fact.invoice_id)
        )
),

final as (
    select
        object_id,
        listed_state.observed_at,
        held_state.version_at,
        listed_state.state as listed,
        held_state.state as held
    from listed_state
    full join held_state using (object_id)
)

select * from final
