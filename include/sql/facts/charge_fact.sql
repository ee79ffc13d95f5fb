/* Grain: one row per charge, latest state. Every attempt to take money, and what came of it. */
select ops.begin_model('charge_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as charge_id,
    staging.date_sk(charge.created_at) as date_sk,
    charge.customer_id,
    charge.invoice_id,
    charge.payment_intent_id,
    charge.payment_method_id,
    charge.balance_transaction_id,
    charge.status,
    charge.currency,
    charge.failure_code,
    charge.failure_message,
    charge.outcome_type,
    charge.risk_level,
    charge.amount_minor,
    charge.amount_captured_minor,
    charge.amount_refunded_minor,
    charge.is_captured,
    charge.is_disputed,
    charge.created_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'charge') as version
cross join lateral staging.charge(version.body) as charge;

select ops.apply_latest(links => '{invoice_id}');
