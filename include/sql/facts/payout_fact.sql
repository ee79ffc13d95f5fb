/* Grain: one row per payout, latest state. What Stripe sent to the bank, also when that was called a transfer. */
select ops.begin_model('payout_fact');

create temp table incoming on commit drop as
select
    document.account_id,
    document.livemode,
    payout.payout_id,
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
    document.version_at,
    document.version_rank,
    document.version_order
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'payout') as document
cross join lateral staging.payout(document.body) as payout
where payout.payout_id is not null;

select ops.apply_latest();
