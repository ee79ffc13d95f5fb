/* What documents name but do not show, and what is fetched for it. */
create table ops.enrichment (
    account_id text not null,
    livemode boolean not null,
    kind text not null,
    object_id text not null,
    requested_via text not null,
    wanted_at timestamptz not null,
    hint_at timestamptz,
    tried_at timestamptz,
    fetched_at timestamptz,
    attempts integer not null default 0,
    last_error text,
    gone boolean not null default false,
    primary key (account_id, livemode, kind, object_id)
);
-- in the order in which it is worked off: what failed before comes last
create index enrichment_wanted on ops.enrichment (requested_via, livemode, (attempts > 0), wanted_at)
where not gone and (fetched_at is null or fetched_at < wanted_at);
comment on table ops.enrichment is
'Grain: one row per thing that documents lack and Stripe has or had to be asked for. Open: fetched_at is null or '
'before wanted_at, and not gone. What another way brings before it is fetched leaves the table.';
comment on column ops.enrichment.account_id is 'Stripe account to which it belongs (acct_...).';
comment on column ops.enrichment.livemode is 'False for test data.';
comment on column ops.enrichment.kind is
'What is fetched: an object that is only named (charge, customer, balance_transaction, ...), what a document of it '
'leaves out (invoice_lines, subscription_items, subscription_discounts, price_tiers, price_currency_options), or a '
'list that belongs to it (charge_refunds, customer_balance_transactions).';
comment on column ops.enrichment.object_id is 'Stripe id of the object, or of the one to which the list belongs.';
comment on column ops.enrichment.requested_via is
'Account whose key can ask for it: another one than account_id for data of a connected account.';
comment on column ops.enrichment.wanted_at is
'An answer that Stripe gave in this second or later shows what is wanted: the second of the observation that lacks '
'it, or the one after the event''s. What is only named is wanted from the first version that names it.';
comment on column ops.enrichment.hint_at is 'About when it was created; null where nothing tells.';
comment on column ops.enrichment.tried_at is 'When it was last asked for, by this server''s clock.';
comment on column ops.enrichment.fetched_at is 'When Stripe last answered, by its clock; null until then.';
comment on column ops.enrichment.attempts is 'How often it was asked for.';
comment on column ops.enrichment.last_error is 'Why it could not be fetched the last time; null if it could.';
comment on column ops.enrichment.gone is
'Whether Stripe says that it does not exist (404): it is not asked for again.';

comment on column ops.batch.source is
'events; list (of a backfill); list:<object> (a list that is polled, since no event tells of its objects); enrichment.';
comment on column ops.batch.object_type is
'Kind of object that was listed, or kind of ops.enrichment that was fetched; null for events, which carry all kinds.';
comment on column ops.batch.account_id is 'Stripe account whose key made the call (acct_...).';
comment on column ops.watermark.stream is 'events, or list:<object> for a list that is polled.';
comment on column raw.rejected.source is 'events, list:<object>, or enrichment:<kind>.';
comment on column dwh.invoice_fact.has_more_lines is
'Whether it has more lines than the document showed: those are fetched apart (ops.enrichment, invoice_lines).';
comment on table dwh.invoice_line_fact is
'Grain: one row per line of an invoice, as in its latest version; what that one does not show, as last fetched.';
