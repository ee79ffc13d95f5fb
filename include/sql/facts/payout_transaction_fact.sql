/* Grain: one row per balance transaction that a payout took to the bank. Which payout it was. */
select ops.begin_model('payout_transaction_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    balance_transaction.balance_transaction_id,
    version.object_id as payout_id,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'payout') as version
cross join lateral staging.payout(version.body) as payout
cross join lateral jsonb_array_elements(payout.balance_transactions) as element
cross join lateral staging.balance_transaction(element) as balance_transaction
where balance_transaction.balance_transaction_id is not null;

select ops.apply_latest();
