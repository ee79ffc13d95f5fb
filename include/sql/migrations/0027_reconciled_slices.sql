/* Large lists are compared in slices, a stretch counts when all of it was; events after the watermark are read once. */
alter table ops.reconciled_slice
add column scope text,
add column stretch_from timestamptz,
add column stretch_to timestamptz;
update ops.reconciled_slice set stretch_from = created_from, stretch_to = created_to;
create index reconciled_slice_older on ops.reconciled_slice (account_id, livemode) where is_older;
comment on table ops.reconciled_slice is
'Grain: one row per list of Stripe''s, or slice of one, that was compared with the warehouse.';
comment on column ops.reconciled_slice.scope is 'As in ops.batch: the test clock whose list it was; null otherwise.';
comment on column ops.reconciled_slice.stretch_from is 'Start of the stretch of which this is a slice, inclusive.';
comment on column ops.reconciled_slice.stretch_to is 'End of the stretch of which this is a slice, exclusive.';
comment on column ops.reconciled_slice.is_older is
'Whether it was of a stretch of what is older than the last days: the next run goes on after the newest of these '
'stretches of which every slice was compared.';
comment on column ops.reconciled_slice.created_from is
'Start of the slice by time of creation, inclusive; null: of any age.';
comment on column ops.reconciled_slice.created_to is
'End of the slice by time of creation, exclusive; null: of any age.';

create table ops.change_ahead (
    account_id text not null,
    livemode boolean not null,
    object_type text not null,
    object_id text not null,
    last_at timestamptz not null,
    primary key (account_id, livemode, object_type, object_id)
);
comment on table ops.change_ahead is
'Grain: one row per object of which Stripe has events that are not staged yet, as far as a reconciliation has read '
'them ahead (stream events:ahead of ops.watermark). What has been staged since leaves at the next such read.';
comment on column ops.change_ahead.account_id is 'Stripe account (acct_...).';
comment on column ops.change_ahead.livemode is 'False for test data.';
comment on column ops.change_ahead.object_type is 'Kind of object.';
comment on column ops.change_ahead.object_id is 'Stripe id.';
comment on column ops.change_ahead.last_at is 'Second of the newest of these events.';
comment on column ops.watermark.stream is
'events; list:<object> for a list that is polled; events:ahead for what reconciliation has read without staging it.';

alter table ops.batch add column requested_via text;
comment on column ops.batch.requested_via is
'Account whose key made the call, where that is another one: a platform, for what is listed of an account connected '
'to it.';
comment on column ops.batch.account_id is
'Stripe account that was asked (acct_...), with its own key unless requested_via names another.';
comment on column ops.batch.source is
'events; list (of a backfill); unlisted (known objects that a whole list did not show, asked for by id); '
'list:<object> (a list that is polled, since no event tells of its objects); enrichment; reconcile.';
comment on column ops.planned_batch.source is
'events; list; unlisted: what no list shows of a kind is asked for, after it was listed.';
comment on column ops.gap.account_id is
'Stripe account (acct_...). What is lost of a platform''s events is lost of the accounts that are connected to it: '
'each has a row of its own, unless a connection of its own reads it.';

-- Slices are compared by time of creation.
create index invoice_fact_created_at on dwh.invoice_fact (created_at);
create index balance_transaction_fact_created_at on dwh.balance_transaction_fact (created_at);
create index subscription_dim_created_at on dwh.subscription_dim (created_at) where is_current;
