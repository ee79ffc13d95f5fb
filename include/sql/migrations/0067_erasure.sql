/* Who was erased, and what belongs to them: what Stripe sends of it again is emptied before anybody sees it. */
create table ops.erasure (
    erasure_id bigint generated always as identity primary key,
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    reason text not null,
    reference text,
    requested_by text,
    run_id text not null,
    row_counts jsonb not null default '{}',
    erased_at timestamptz not null default clock_timestamp(),
    verified_at timestamptz,
    unique (run_id, account_id, livemode, customer_id)
);
comment on table ops.erasure is
'Grain: one row per customer that was erased on request, and run that did it. It holds no personal data but ids.';
comment on column ops.erasure.erasure_id is 'Identity.';
comment on column ops.erasure.account_id is 'Stripe account (acct_...).';
comment on column ops.erasure.livemode is 'False for test data.';
comment on column ops.erasure.customer_id is 'Stripe id of the customer (cus_...).';
comment on column ops.erasure.reason is 'Why, one of the reasons of the form.';
comment on column ops.erasure.reference is 'Number of the request in your own books; null where none was given.';
comment on column ops.erasure.requested_by is 'Airflow user who triggered the run; null where Airflow does not know.';
comment on column ops.erasure.run_id is 'DAG and run that erased.';
comment on column ops.erasure.row_counts is
'Rows that held something of the person: {table: rows}. Those that came later are not counted here.';
comment on column ops.erasure.erased_at is 'When the raw layer was emptied of it.';
comment on column ops.erasure.verified_at is
'When dims and facts had followed, and nothing personal was found there; null until then.';

create table ops.erased_object (
    account_id text not null,
    livemode boolean not null,
    object_id text not null,
    erasure_id bigint not null,
    batch_id bigint,
    primary key (account_id, livemode, object_id)
);
create index erased_object_batch on ops.erased_object (batch_id);
comment on table ops.erased_object is
'Grain: one row per object of Stripe''s that belongs to an erased customer: the customer, its charges, invoices, ...';
comment on column ops.erased_object.account_id is 'Stripe account (acct_...).';
comment on column ops.erased_object.livemode is 'False for test data.';
comment on column ops.erased_object.object_id is 'Stripe id.';
comment on column ops.erased_object.erasure_id is 'The erasure that it belongs to.';
comment on column ops.erased_object.batch_id is
'Batch (source erasure) into which every document that names it was moved, so that models read them again; null '
'while the raw layer has yet to be looked through for it.';

create table ops.erased_user (
    user_hash text primary key,
    erasure_id bigint not null
);
comment on table ops.erased_user is
'Grain: one row per user of the app who is an erased customer; files may bring installs of theirs again.';
comment on column ops.erased_user.user_hash is 'ops.user_hash of the user''s id.';
comment on column ops.erased_user.erasure_id is 'The erasure that it belongs to.';

comment on column ops.batch.source is
'events; list (of a backfill); list:<object> (a list that is polled, since no event tells of its objects); enrichment; '
'file; erasure (documents that were emptied, for models to read again); or another source of documents.';

comment on schema raw is
'What Stripe sent, exactly as received, append-only but for erasures. Everything but ops can be rebuilt from here.';
comment on column raw.event.batch_id is 'The batch that brought it first, or the erasure that redacted it.';
comment on column raw.object.batch_id is 'The batch that brought it, or the erasure that redacted it.';
