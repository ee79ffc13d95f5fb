/* Grain: one row per payout, latest state. What Stripe sent to the bank. */
select ops.begin_model('payout_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as payout_id,
    staging.date_sk(payout.created_at) as date_sk,
    payout.balance_transaction_id,
    payout.failure_balance_transaction_id,
    payout.destination_id,
    payout.original_payout_id,
    payout.reversed_by_payout_id,
    payout.status,
    payout.currency,
    payout.method,
    payout.payout_type,
    payout.source_type,
    payout.reconciliation_status,
    payout.description,
    payout.statement_descriptor,
    payout.failure_code,
    payout.failure_message,
    payout.amount_minor,
    payout.metadata,
    payout.is_automatic,
    payout.created_at,
    payout.arrival_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'payout') as version
cross join lateral staging.payout(version.body) as payout;

select ops.apply_latest();
