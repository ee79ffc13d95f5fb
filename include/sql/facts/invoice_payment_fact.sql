/* Grain: one row per payment of an invoice, latest state. Which payment paid which invoice. */
select ops.begin_model('invoice_payment_fact');

create temp table incoming on commit drop as
select
    document.account_id,
    document.livemode,
    invoice_payment.invoice_payment_id,
    staging.date_sk(invoice_payment.created_at) as date_sk,
    invoice_payment.invoice_id,
    invoice_payment.payment_type,
    invoice_payment.payment_intent_id,
    invoice_payment.charge_id,
    invoice_payment.payment_record_id,
    invoice_payment.status,
    invoice_payment.currency,
    invoice_payment.amount_requested_minor,
    invoice_payment.amount_paid_minor,
    invoice_payment.is_default,
    invoice_payment.created_at,
    invoice_payment.paid_at,
    invoice_payment.canceled_at,
    document.version_at,
    document.version_rank,
    document.version_order
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'invoice_payment') as document
cross join lateral staging.invoice_payment(document.body) as invoice_payment
where invoice_payment.invoice_payment_id is not null;

select ops.apply_latest();
