/* Grain: one row per refund, latest state. What was given back. */
select ops.begin_model('refund_fact');

create temp table incoming on commit drop as
select
    document.account_id,
    document.livemode,
    refund.refund_id,
    staging.date_sk(refund.created_at) as date_sk,
    -- before 2022-11-15 a charge carried its refunds, and they had no events of their own
    coalesce(refund.charge_id, document.parent_id) as charge_id,
    refund.payment_intent_id,
    refund.balance_transaction_id,
    refund.status,
    refund.currency,
    refund.reason,
    refund.failure_reason,
    refund.amount_minor,
    refund.has_balance_transaction,
    refund.created_at,
    document.version_at,
    document.version_rank,
    document.version_order
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'refund') as document
cross join lateral staging.refund(document.body) as refund;

select ops.apply_latest();
