/* Whether events stand in the order in which things happened: what each update says of the state before it. */

-- Neighbours of an event in the history of its object are found from one partition or two, instead of all.
drop index raw.event_object;
create index event_object on raw.event (account_id, livemode, object_type, object_id, created_at);

create table ops.event_order_contradiction (
    account_id text not null,
    livemode boolean not null,
    object_type text not null,
    object_id text not null,
    event_id text not null,
    event_at timestamptz not null,
    event_before_id text not null,
    key text not null,
    expected jsonb,
    found jsonb,
    primary key (account_id, livemode, event_id, key)
);
create index event_order_contradiction_event_at on ops.event_order_contradiction (event_at);
comment on table ops.event_order_contradiction is
'Grain: one row per update event and key whose previous_attributes are not what the event before it shows.';
comment on column ops.event_order_contradiction.account_id is 'Stripe account (acct_...).';
comment on column ops.event_order_contradiction.livemode is 'False for test data.';
comment on column ops.event_order_contradiction.object_type is 'Kind of object.';
comment on column ops.event_order_contradiction.object_id is 'Stripe''s id of the object.';
comment on column ops.event_order_contradiction.event_id is 'The update.';
comment on column ops.event_order_contradiction.event_at is 'Second of the update.';
comment on column ops.event_order_contradiction.event_before_id is 'The event of the object that stands before it.';
comment on column ops.event_order_contradiction.key is 'Path of the attribute, keys joined by dots.';
comment on column ops.event_order_contradiction.expected is 'The value before, as the update tells it.';
comment on column ops.event_order_contradiction.found is 'The value in the event before.';

insert into ops.policy (name, value, description)
values (
    'order_contradictions_allowed',
    '1000',
    'Number of attributes, in events of the last 30 days, whose value before is not what the event before it shows, '
    'before the run is red. A few are usual where Stripe changes an object without an event.'
);
