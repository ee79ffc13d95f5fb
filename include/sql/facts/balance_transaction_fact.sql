/* Grain: one row per balance transaction, latest state. Every change of the Stripe balance: the ledger. */
select ops.begin_model('balance_transaction_fact');

create temp table incoming on commit drop as
select
    document.account_id,
    document.livemode,
    balance_transaction.balance_transaction_id,
    staging.date_sk(balance_transaction.created_at) as date_sk,
    balance_transaction.source_id,
    balance_transaction.balance_transaction_type,
    balance_transaction.reporting_category,
    balance_transaction.balance_type,
    balance_transaction.status,
    balance_transaction.description,
    balance_transaction.currency,
    balance_transaction.amount_minor,
    balance_transaction.fee_minor,
    balance_transaction.net_minor,
    balance_transaction.exchange_rate,
    balance_transaction.fee_details,
    balance_transaction.created_at,
    balance_transaction.available_at,
    document.version_at,
    document.version_rank,
    document.version_order
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'balance_transaction') as document
cross join lateral staging.balance_transaction(document.body) as balance_transaction
where balance_transaction.balance_transaction_id is not null;

select ops.apply_latest();
