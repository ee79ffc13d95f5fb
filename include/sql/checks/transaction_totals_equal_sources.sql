/* Check: the movements of money add up to the charges, refunds and disputes that they come from. Layer: dwh. */
with source as (
    select
        account_id, livemode, currency, 'charge' as transaction_type, count(*) as row_count,
        sum(amount_captured_minor) as amount_minor
    from dwh.charge_fact
    where status = 'succeeded' and amount_captured_minor > 0
    group by account_id, livemode, currency
    union all
    select r.account_id, r.livemode, r.currency, 'refund', count(*), -sum(r.amount_minor)
    from dwh.refund_fact as r
    left join dwh.charge_fact as c
        on r.account_id = c.account_id and r.livemode = c.livemode and r.charge_id = c.charge_id
    left join dwh.balance_transaction_fact as b
        on
            r.account_id = b.account_id
            and r.livemode = b.livemode
            and r.balance_transaction_id = b.balance_transaction_id
    where
        r.amount_minor is not null
        and staging.is_money_back(
            r.status, r.has_balance_transaction, b.reporting_category, c.is_captured, c.amount_minor,
            c.amount_captured_minor
        )
    group by r.account_id, r.livemode, r.currency
    union all
    select account_id, livemode, currency, 'dispute', count(*), -sum(withdrawn_minor)
    from dwh.dispute_fact
    where withdrawn_minor <> 0
    group by account_id, livemode, currency
    union all
    select account_id, livemode, currency, 'dispute_reversal', count(*), sum(reinstated_minor)
    from dwh.dispute_fact
    where reinstated_minor <> 0
    group by account_id, livemode, currency
),

movement as (
    select account_id, livemode, currency, transaction_type, count(*) as row_count, sum(amount_minor) as amount_minor
    from dwh.transaction_fact
    group by account_id, livemode, currency, transaction_type
)

select
    account_id, livemode, currency, transaction_type,
    source.row_count as source_rows, movement.row_count as movement_rows,
    source.amount_minor as source_minor, movement.amount_minor as movement_minor
from source
full join movement using (account_id, livemode, currency, transaction_type)
where (source.row_count, source.amount_minor) is distinct from (movement.row_count, movement.amount_minor)
