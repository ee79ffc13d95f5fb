/* What a second look at Stripe found: what was compared, and each difference with its reason. */
create table ops.reconciled_slice (
    reconciled_slice_id bigint generated always as identity primary key,
    account_id text not null,
    livemode boolean not null,
    object_type text not null,
    status text,
    is_older boolean not null,
    created_from timestamptz,
    created_to timestamptz,
    run_id text not null,
    batch_id bigint,
    listed_count bigint not null,
    held_count bigint not null,
    difference_count bigint not null,
    data_through timestamptz,
    compared_at timestamptz not null default clock_timestamp()
);
create index reconciled_slice_run on ops.reconciled_slice (run_id);
comment on table ops.reconciled_slice is 'Grain: one row per list of Stripe''s that was compared with the warehouse.';
comment on column ops.reconciled_slice.reconciled_slice_id is 'Identity.';
comment on column ops.reconciled_slice.account_id is 'Stripe account (acct_...).';
comment on column ops.reconciled_slice.livemode is 'False for test data.';
comment on column ops.reconciled_slice.object_type is 'Kind of object.';
comment on column ops.reconciled_slice.status is 'The status that was listed; null: all, by time of creation.';
comment on column ops.reconciled_slice.is_older is
'Whether it was a stretch of what is older than the last days: the next run goes on after the newest of these.';
comment on column ops.reconciled_slice.created_from is 'Start of the stretch of creation, inclusive; null: of any age.';
comment on column ops.reconciled_slice.created_to is 'End of the stretch of creation, exclusive; null: of any age.';
comment on column ops.reconciled_slice.run_id is 'Run that compared.';
comment on column ops.reconciled_slice.batch_id is
'Batch in which what differed was staged; null when nothing was.';
comment on column ops.reconciled_slice.listed_count is 'Objects that Stripe showed.';
comment on column ops.reconciled_slice.held_count is 'Objects that the warehouse held for the same question.';
comment on column ops.reconciled_slice.difference_count is 'Objects of which the two told different things.';
comment on column ops.reconciled_slice.data_through is 'Through when events had been read (ops.watermark).';
comment on column ops.reconciled_slice.compared_at is 'When they were compared.';

create table ops.reconciliation (
    reconciliation_id bigint generated always as identity primary key,
    reconciled_slice_id bigint not null,
    account_id text not null,
    livemode boolean not null,
    object_type text not null,
    object_id text not null,
    reason text not null check (
        reason in ('never_seen', 'stale', 'deleted', 'unknown_shape', 'later_than_lag', 'unexplained')
    ),
    difference jsonb not null,
    observed_at timestamptz,
    reported_at timestamptz,
    found_at timestamptz not null default clock_timestamp()
);
create index reconciliation_object on ops.reconciliation (account_id, livemode, object_type, object_id);
comment on table ops.reconciliation is
'Grain: one row per object and comparison in which Stripe and the warehouse told different things. What Stripe told '
'was staged at once, and is in the warehouse after its next load.';
comment on column ops.reconciliation.reconciliation_id is 'Identity.';
comment on column ops.reconciliation.reconciled_slice_id is 'The comparison that found it.';
comment on column ops.reconciliation.account_id is 'Stripe account (acct_...).';
comment on column ops.reconciliation.livemode is 'False for test data.';
comment on column ops.reconciliation.object_type is 'Kind of object.';
comment on column ops.reconciliation.object_id is
'Stripe id; of a sum: currency, UTC day and type of the balance transactions that were added up.';
comment on column ops.reconciliation.reason is
'never_seen: no event or list had shown it. stale: what was seen last is older. deleted: Stripe no longer has it. '
'unknown_shape: it had been seen, but could not be read. later_than_lag: it changed after the events that are loaded. '
'unexplained: none of these; a rebuild or a person must find out.';
comment on column ops.reconciliation.difference is
'{column: [what Stripe says, what the warehouse said]}; null on the side that did not have the object.';
comment on column ops.reconciliation.observed_at is 'When Stripe showed it.';
comment on column ops.reconciliation.reported_at is 'When a run ended red to tell of it (unexplained only).';
comment on column ops.reconciliation.found_at is 'When it was found.';
