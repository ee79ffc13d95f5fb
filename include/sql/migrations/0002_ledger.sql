/* The pipeline's own books: what was fetched, how far, which model has applied what, and what was found. */
create table ops.batch (
    batch_id bigint generated always as identity primary key,
    account_id text not null,
    livemode boolean not null,
    source text not null,
    object_type text,
    asked_from timestamptz,
    asked_to timestamptz,
    run_id text not null,
    row_count bigint not null default 0,
    new_count bigint not null default 0,
    duplicate_count bigint not null default 0,
    late_count bigint not null default 0,
    rejected_count bigint not null default 0,
    byte_count bigint not null default 0,
    call_count bigint not null default 0,
    throttled_count bigint not null default 0,
    unknown jsonb not null default '{}',
    started_at timestamptz not null,
    committed_at timestamptz not null default clock_timestamp()
);
create index batch_asked on ops.batch (account_id, livemode, source, object_type, asked_from);
comment on table ops.batch is
'Grain: one row per committed window of events, slice of a list, or file. Rows and batch commit together.';
comment on column ops.batch.batch_id is 'Identity. Not a cursor: two writers may commit out of order.';
comment on column ops.batch.account_id is 'Stripe account that the call was made for (acct_...).';
comment on column ops.batch.livemode is 'False for test data.';
comment on column ops.batch.source is 'events, list, or another source of documents.';
comment on column ops.batch.object_type is 'Kind of object that was listed; null for events, which carry all kinds.';
comment on column ops.batch.asked_from is 'Start of the window or slice, inclusive, whole second.';
comment on column ops.batch.asked_to is 'End of the window or slice, exclusive, whole second.';
comment on column ops.batch.run_id is 'Who fetched it: DAG, run and task.';
comment on column ops.batch.row_count is 'Rows received, duplicates and rejects included.';
comment on column ops.batch.new_count is 'Rows that were not there before.';
comment on column ops.batch.duplicate_count is 'Rows that were there already.';
comment on column ops.batch.late_count is
'New events whose second an earlier committed window had already covered: they became visible late.';
comment on column ops.batch.rejected_count is 'Rows kept in raw.rejected, with the reason, instead of staged.';
comment on column ops.batch.byte_count is 'Bytes of the response bodies.';
comment on column ops.batch.call_count is 'Requests made, retries included.';
comment on column ops.batch.throttled_count is 'Requests answered 429.';
comment on column ops.batch.unknown is
'Event types and fields that this version does not know: {"types": {name: rows}, "fields": {object.field: rows}}.';
comment on column ops.batch.started_at is 'When the first request was made.';
comment on column ops.batch.committed_at is 'When the batch was written, just before its commit.';

create table ops.watermark (
    account_id text not null,
    livemode boolean not null,
    stream text not null,
    through timestamptz not null,
    moved_at timestamptz not null default clock_timestamp(),
    primary key (account_id, livemode, stream)
);
comment on table ops.watermark is
'Grain: one row per account, mode and stream. Every second before "through" has been fetched and committed.';
comment on column ops.watermark.account_id is 'Stripe account (acct_...).';
comment on column ops.watermark.livemode is 'False for test data.';
comment on column ops.watermark.stream is 'events.';
comment on column ops.watermark.through is 'Exclusive end of what is complete, whole second, Stripe''s clock.';
comment on column ops.watermark.moved_at is 'When it last moved, in the transaction that wrote the rows.';

create table ops.gap (
    gap_id bigint generated always as identity primary key,
    account_id text not null,
    livemode boolean not null,
    stream text not null,
    gap_from timestamptz not null,
    gap_to timestamptz not null,
    reason text not null,
    opened_at timestamptz not null default clock_timestamp(),
    reported_at timestamptz,
    closed_at timestamptz,
    unique (account_id, livemode, stream, gap_from)
);
comment on table ops.gap is
'Grain: one row per stretch of time whose events were never fetched and can no longer be: lists must close it.';
comment on column ops.gap.gap_id is 'Identity.';
comment on column ops.gap.account_id is 'Stripe account (acct_...).';
comment on column ops.gap.livemode is 'False for test data.';
comment on column ops.gap.stream is 'events.';
comment on column ops.gap.gap_from is 'Start, inclusive: the watermark when the gap was found.';
comment on column ops.gap.gap_to is 'End, exclusive: the oldest second that Stripe still kept then.';
comment on column ops.gap.reason is 'Why events are missing, in words.';
comment on column ops.gap.opened_at is 'When it was found.';
comment on column ops.gap.reported_at is 'When a run ended red to tell of it; null until then.';
comment on column ops.gap.closed_at is 'When a listing of all objects after the gap had been loaded; null while open.';

create table ops.batch_applied (
    model text not null,
    batch_id bigint not null,
    object_count bigint not null,
    row_count bigint not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (model, batch_id)
);
comment on table ops.batch_applied is
'Grain: one row per model and batch, written in the transaction that applied the batch to the model.';
comment on column ops.batch_applied.model is 'Name of the dim or fact.';
comment on column ops.batch_applied.batch_id is 'The batch.';
comment on column ops.batch_applied.object_count is 'Objects touched by all batches of that transaction.';
comment on column ops.batch_applied.row_count is 'Rows written to the model by that transaction.';
comment on column ops.batch_applied.applied_at is 'When it was applied.';

create table ops.last_run (
    relation text primary key,
    began_at timestamptz not null
);
comment on table ops.last_run is
'Grain: one row per dim, fact and materialized view. When its last load or refresh that was committed began.';
comment on column ops.last_run.relation is 'Its name.';
comment on column ops.last_run.began_at is
'When it, or the first of the models that it reads, began, by this server''s clock.';

create table ops.check_result (
    check_result_id bigint generated always as identity primary key,
    check_name text not null,
    layer text not null,
    run_id text not null,
    status text not null check (status in ('passed', 'warned', 'failed')),
    failing_count bigint not null,
    threshold bigint not null,
    sample jsonb not null default '[]',
    checked_at timestamptz not null default clock_timestamp()
);
create index check_result_latest on ops.check_result (check_name, checked_at desc);
comment on table ops.check_result is 'Grain: one row per check and run.';
comment on column ops.check_result.check_result_id is 'Identity.';
comment on column ops.check_result.check_name is 'File stem of the check.';
comment on column ops.check_result.layer is 'dwh or mart: what the check is run after.';
comment on column ops.check_result.run_id is 'Run that made it.';
comment on column ops.check_result.status is 'passed; warned: rows were found, but no more than are allowed; failed.';
comment on column ops.check_result.failing_count is 'What breaks the rule: rows, or what the rows count.';
comment on column ops.check_result.threshold is 'How much of it is allowed.';
comment on column ops.check_result.sample is 'The first failing rows.';
comment on column ops.check_result.checked_at is 'When it ran.';

create table ops.policy (
    name text primary key,
    value text not null,
    description text not null,
    changed_at timestamptz not null default clock_timestamp()
);
comment on table ops.policy is
'Grain: one row per choice on which businesses differ. Change the value; the marts follow at the next refresh.';
comment on column ops.policy.name is 'What is chosen.';
comment on column ops.policy.value is 'The choice.';
comment on column ops.policy.description is 'What it does, and the values that it takes.';
comment on column ops.policy.changed_at is 'When it was last changed.';

insert into ops.policy (name, value, description)
values
('reporting_timezone', 'UTC', 'Time zone (IANA name) in which days and months of reports begin.'),
(
    'orphan_share_allowed',
    '0.05',
    'Share (0 to 1) of the references from a fact to a dimension that may lead nowhere before the run is red. '
    'Stripe leaves deleted customers out of its lists, so old accounts have some.'
);
