/* Check: the movements of money add up to the charges and refunds that they come from. Layer: dwh. */
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
    where
        r.status in ('succeeded', 'pending')
        and r.amount_minor is not null
        -- the release of an authorisation moves nothing
        and c.is_captured is distinct from false
    group by r.account_id, r.livemode, r.currency
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
