/* What a run means to read, beside what it has read; gaps that close by themselves; the modes that marts show. */
alter table ops.batch add column scope text;
comment on column ops.batch.scope is
'What the list was narrowed to beside its time, for example test_clock=clock_...; null: to nothing.';

create table ops.planned_batch (
    planned_batch_id bigint generated always as identity primary key,
    run_id text not null,
    account_id text not null,
    livemode boolean not null,
    source text not null,
    object_type text,
    scope text,
    asked_from timestamptz not null,
    asked_to timestamptz not null,
    share integer not null default 0,
    estimated_calls integer,
    is_everything boolean not null default false,
    is_refused boolean not null default false,
    error text,
    batch_id bigint,
    planned_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (run_id, account_id, livemode, source, object_type, scope, asked_from, asked_to)
);
create index planned_batch_pending on ops.planned_batch (account_id, livemode, source) where batch_id is null;
comment on table ops.planned_batch is
'Grain: one row per window of events or slice of a list that a run means to read. What is left has no batch.';
comment on column ops.planned_batch.planned_batch_id is 'Identity.';
comment on column ops.planned_batch.run_id is 'The run, as in ops.batch.';
comment on column ops.planned_batch.account_id is 'Stripe account (acct_...).';
comment on column ops.planned_batch.livemode is 'False for test data.';
comment on column ops.planned_batch.source is 'events or list.';
comment on column ops.planned_batch.object_type is 'Kind of object to list; null for events.';
comment on column ops.planned_batch.scope is 'As in ops.batch.';
comment on column ops.planned_batch.asked_from is 'Start, inclusive, whole second.';
comment on column ops.planned_batch.asked_to is 'End, exclusive, whole second.';
comment on column ops.planned_batch.share is 'Number of the task that reads it, from 0.';
comment on column ops.planned_batch.estimated_calls is 'Requests that it should take; null where nobody knows.';
comment on column ops.planned_batch.is_everything is
'Whether its run planned every kind of object, whatever its age: once all of it is read, gaps before it are closed.';
comment on column ops.planned_batch.is_refused is
'Whether the key may not read it: no try can help until a person grants the permission.';
comment on column ops.planned_batch.error is 'What its last try ended with; null once it is read.';
comment on column ops.planned_batch.batch_id is 'The batch in which it was read; null until then.';
comment on column ops.planned_batch.planned_at is 'When it was planned.';

alter table ops.gap
add column kind text not null default 'expired' check (kind in ('expired', 'failed')),
add column relist_asked_at timestamptz,
add column relisted_at timestamptz,
add column relisted_by text;
comment on table ops.gap is
'Grain: one row per stretch of time whose events were not fetched although their time had come.';
comment on column ops.gap.kind is
'expired: Stripe no longer keeps them, and a listing of all objects must stand in; failed: a run could not read '
'them, and a later one will.';
comment on column ops.gap.gap_from is 'Start, inclusive, whole second.';
comment on column ops.gap.gap_to is 'End, exclusive, whole second.';
comment on column ops.gap.relist_asked_at is 'When a listing of all objects was last asked for; null if none was.';
comment on column ops.gap.relisted_at is 'When such a listing was complete; null until then.';
comment on column ops.gap.relisted_by is 'The run that made it.';
comment on column ops.gap.closed_at is
'When what fills it had been loaded by every model; null while it is open. mart.gap_daily shows its days until then.';

insert into ops.policy (name, value, description)
values
(
    'reported_modes',
    'live_if_any',
    'Which data the marts show: live, test, both, or live_if_any (test data only as long as there is no live data).'
);
-- A word that nobody knows would make every mart empty.
alter table ops.policy add constraint policy_reported_modes_known check (
    name <> 'reported_modes' or value in ('live_if_any', 'live', 'test', 'both')
);
