/* Check: a payout is the sum of what it paid out, and what its own transaction took from the balance. Layer: mart. */
select
    account_id, livemode, payout_id, currency, amount_minor, transactions, transactions_net_minor, withdrawn_minor
from mart.payout_reconciliation
where result = 'different' or withdrawn_minor <> amount_minor
