/* Grain: one row per invoice, latest state. What customers were asked to pay. */
select ops.begin_model('invoice_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as invoice_id,
    staging.date_sk(invoice.created_at) as date_sk,
    invoice.customer_id,
    invoice.subscription_id,
    invoice.charge_id,
    invoice.payment_intent_id,
    invoice.invoice_number,
    invoice.status,
    invoice.billing_reason,
    invoice.collection_method,
    invoice.currency,
    invoice.amount_due_minor,
    invoice.amount_paid_minor,
    invoice.amount_remaining_minor,
    invoice.subtotal_minor,
    invoice.discount_minor,
    invoice.tax_minor,
    invoice.total_minor,
    invoice.starting_balance_minor,
    invoice.ending_balance_minor,
    invoice.application_fee_minor,
    invoice.attempt_count,
    invoice.metadata,
    invoice.is_attempted,
    invoice.is_auto_advance,
    invoice.has_more_lines,
    invoice.created_at,
    invoice.period_start_at,
    invoice.period_end_at,
    invoice.due_at,
    invoice.next_payment_attempt_at,
    invoice.finalized_at,
    invoice.paid_at,
    invoice.voided_at,
    invoice.marked_uncollectible_at,
    case when version.version_rank = 3 then version.version_at end as deleted_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'invoice') as version
cross join lateral staging.invoice(version.body) as invoice;

select ops.apply_latest(links => '{charge_id,payment_intent_id}');
