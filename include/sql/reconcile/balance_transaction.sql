/* Grain: one row per balance transaction and side that shows it. Compared: what never changes. */
select
    'listed' as side,
    listed.object_id,
    listed.observed_at as seen_at,
    movement.source_id,
    movement.balance_transaction_type,
    movement.currency,
    movement.amount_minor,
    movement.fee_minor,
    movement.net_minor,
    movement.available_at
from listed
cross join lateral staging.balance_transaction(listed.payload) as movement
union all
select
    'held' as side,
    wanted.object_id,
    held.version_at,
    held.source_id,
    held.balance_transaction_type,
    held.currency,
    held.amount_minor,
    held.fee_minor,
    held.net_minor,
    held.available_at
from wanted
inner join dwh.balance_transaction_fact as held
    on
        wanted.account_id = held.account_id
        and wanted.livemode = held.livemode
        and wanted.object_id = held.balance_transaction_id
where held.version_rank <> 3
