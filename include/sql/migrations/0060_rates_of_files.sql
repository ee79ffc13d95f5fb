/* Exchange rates from files: they belong to no account, and count before Stripe's own for a while. */
alter table dwh.fx_rate_fact
add column fx_rate_sk bigint,
add column rate_source text;
update dwh.fx_rate_fact
set
    fx_rate_sk
    = ('x' || left(md5(jsonb_build_array(account_id, livemode, source_type, source_id)::text), 16))::bit(64)::bigint;
alter table dwh.fx_rate_fact
drop constraint fx_rate_fact_pkey,
alter column account_id drop not null,
alter column livemode drop not null,
add primary key (fx_rate_sk),
add constraint fx_rate_fact_source unique nulls not distinct (account_id, livemode, source_type, source_id);
comment on table dwh.fx_rate_fact is
'Grain: one row per exchange rate that was seen: of a balance transaction that Stripe converted, or a row of a file. '
'Rates belong to the market, not to the account that saw them.';
comment on column dwh.fx_rate_fact.account_id is
'Stripe account (acct_...) whose transaction showed it; null for a file''s.';
comment on column dwh.fx_rate_fact.livemode is 'False for test data; null for a file''s.';
comment on column dwh.fx_rate_fact.source_type is 'balance_transaction or file.';
comment on column dwh.fx_rate_fact.source_id is
'Id of the balance transaction that showed it; in files the currencies and the day, eur/usd/2026-01-31.';
comment on column dwh.fx_rate_fact.rate_date is 'UTC day of the rate; in files the day that they name.';
comment on column dwh.fx_rate_fact.observed_at is
'When it was seen, in a file when that was modified: of several in a day the last one counts.';
comment on column dwh.fx_rate_fact.fx_rate_sk is 'Key: a hash of account, mode, source_type and source_id.';
comment on column dwh.fx_rate_fact.rate_source is 'Where a file says that its rate is from, for example ECB.';

comment on table raw.file_row is
'Grain: one row per row of a file of installs, clients, channels, ad spend or exchange rates, as received. Of the rows '
'with one key that of the latest file counts.';
comment on column raw.file_row.file_kind is 'install, client, channel, ad_spend or fx_rate.';
comment on column raw.file_row.row_key is
'Natural key, empty where a part of it is: user and install; client; channel; channel, campaign, ad group, day '
'and currency; both currencies and the date.';
comment on column ops.file.file_kind is
'install, client, channel, ad_spend or fx_rate; null where the name tells none of them.';

insert into ops.policy (name, value, description)
values
(
    'fx_file_rate_days',
    '31',
    'Days, its own the first, for which the exchange rate of a file counts, whatever Stripe''s are; after that the '
    'latest of both does. 0: a file''s counts only where Stripe''s is older, or there is none.'
);
alter table ops.policy add constraint policy_fx_file_rate_days_known check (
    name <> 'fx_file_rate_days' or value ~ '^[0-9]{1,4}$'
);
