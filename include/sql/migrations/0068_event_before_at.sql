/* When the event before a contradicting update was: whether one was lost between them is asked of small tables. */
alter table ops.event_order_contradiction add column event_before_at timestamptz;
update ops.event_order_contradiction as contradiction
set event_before_at = event.created_at
from raw.event as event
where
    event.account_id = contradiction.account_id
    and event.livemode = contradiction.livemode
    and event.object_type = contradiction.object_type
    and event.object_id = contradiction.object_id
    and event.event_id = contradiction.event_before_id;
alter table ops.event_order_contradiction alter column event_before_at set not null;
comment on column ops.event_order_contradiction.event_before_at is 'Second of that event.';
