/* Grain: one row per charge and side that shows it. Compared: what money it moved, and whose. */
select
    'listed' as side,
    listed.object_id,
    listed.observed_at as seen_at,
    charge.customer_id,
    charge.status,
    charge.currency,
    charge.amount_minor,
    charge.amount_captured_minor,
    charge.amount_refunded_minor,
    charge.is_captured
from listed
cross join lateral staging.charge(listed.payload) as charge
union all
select
    'held' as side,
    wanted.object_id,
    held.version_at,
    held.customer_id,
    held.status,
    held.currency,
    held.amount_minor,
    held.amount_captured_minor,
    held.amount_refunded_minor,
    held.is_captured
from wanted
inner join dwh.charge_fact as held
    on wanted.account_id = held.account_id and wanted.livemode = held.livemode and wanted.object_id = held.charge_id
where held.version_rank <> 3
