/* Grain: one row per credit note, latest state. What was taken off invoices after they were final. */
select ops.begin_model('credit_note_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as credit_note_id,
    staging.date_sk(credit_note.created_at) as date_sk,
    credit_note.invoice_id,
    credit_note.customer_id,
    credit_note.customer_balance_transaction_id,
    credit_note.refund_ids,
    credit_note.credit_note_number,
    credit_note.credit_note_type,
    credit_note.status,
    credit_note.reason,
    credit_note.memo,
    credit_note.currency,
    credit_note.amount_minor,
    credit_note.subtotal_minor,
    credit_note.discount_minor,
    credit_note.tax_minor,
    credit_note.total_minor,
    credit_note.out_of_band_minor,
    credit_note.pre_payment_minor,
    credit_note.post_payment_minor,
    credit_note.metadata,
    credit_note.created_at,
    credit_note.effective_at,
    credit_note.voided_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'credit_note') as version
cross join lateral staging.credit_note(version.body) as credit_note;

select ops.apply_latest();
