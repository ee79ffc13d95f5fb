/* Grain: one row per invoice and side that shows it. Compared: what was asked for and paid. */
select
    'listed' as side,
    listed.object_id,
    listed.observed_at as seen_at,
    invoice.customer_id,
    invoice.subscription_id,
    invoice.status,
    invoice.currency,
    invoice.amount_due_minor,
    invoice.amount_paid_minor,
    invoice.amount_remaining_minor,
    invoice.subtotal_minor,
    invoice.tax_minor,
    invoice.total_minor
from listed
cross join lateral staging.invoice(listed.payload) as invoice
union all
select
    'held' as side,
    wanted.object_id,
    held.version_at,
    held.customer_id,
    held.subscription_id,
    held.status,
    held.currency,
    held.amount_due_minor,
    held.amount_paid_minor,
    held.amount_remaining_minor,
    held.subtotal_minor,
    held.tax_minor,
    held.total_minor
from wanted
inner join dwh.invoice_fact as held
    on wanted.account_id = held.account_id and wanted.livemode = held.livemode and wanted.object_id = held.invoice_id
where held.deleted_at is null
