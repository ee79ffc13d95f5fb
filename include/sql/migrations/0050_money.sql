/* Which balance transactions a payout pays out, what currencies were exchanged at, and the currency of reports. */
create table dwh.payout_transaction_fact (
    account_id text not null,
    livemode boolean not null,
    balance_transaction_id text not null,
    payout_id text not null,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, balance_transaction_id)
);
create index payout_transaction_fact_payout_id on dwh.payout_transaction_fact (account_id, livemode, payout_id);
comment on table dwh.payout_transaction_fact is
'Grain: one row per balance transaction that a payout took to the bank, the transaction of the payout itself included. '
'No document of either names the other: Stripe lists them by payout (ops.enrichment, payout_transactions).';
comment on column dwh.payout_transaction_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.payout_transaction_fact.livemode is 'False for test data.';
comment on column dwh.payout_transaction_fact.balance_transaction_id is 'Stripe id (txn_...).';
comment on column dwh.payout_transaction_fact.payout_id is 'Payout that it is in.';
comment on column dwh.payout_transaction_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.payout_transaction_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.payout_transaction_fact.version_order is 'Order of that version inside its second and rank.';

comment on column ops.enrichment.kind is
'What is fetched: an object that is only named (charge, customer, balance_transaction, ...), what a document of it '
'leaves out (invoice_lines, subscription_items, subscription_discounts, price_tiers, price_currency_options), or a '
'list that belongs to it (charge_refunds, customer_balance_transactions, payout_transactions).';

create table dwh.fx_rate_fact (
    account_id text not null,
    livemode boolean not null,
    source_type text not null,
    source_id text not null,
    rate_date date not null,
    from_currency text not null,
    to_currency text not null,
    rate numeric not null,
    observed_at timestamptz not null,
    primary key (account_id, livemode, source_type, source_id)
);
create index fx_rate_fact_pair on dwh.fx_rate_fact (from_currency, to_currency, rate_date);
comment on table dwh.fx_rate_fact is
'Grain: one row per exchange rate that was seen: of a balance transaction that Stripe converted. Rates belong to the '
'market, not to the account that saw them.';
comment on column dwh.fx_rate_fact.account_id is 'Stripe account (acct_...) whose transaction showed it.';
comment on column dwh.fx_rate_fact.livemode is 'False for test data.';
comment on column dwh.fx_rate_fact.source_type is 'balance_transaction.';
comment on column dwh.fx_rate_fact.source_id is 'Id of the balance transaction that showed it.';
comment on column dwh.fx_rate_fact.rate_date is 'UTC day of the rate.';
comment on column dwh.fx_rate_fact.from_currency is 'Currency that was exchanged, ISO 4217, lower case.';
comment on column dwh.fx_rate_fact.to_currency is 'Currency that it was exchanged into.';
comment on column dwh.fx_rate_fact.rate is
'Major units of to_currency for one major unit of from_currency: 0.0067 from jpy to usd.';
comment on column dwh.fx_rate_fact.observed_at is 'When it was seen: of several in a day the last one counts.';

insert into ops.policy (name, value, description)
values
(
    'reporting_currency',
    '',
    'Currency (ISO 4217, lower case) into which the columns *_reporting_minor convert. Empty: the one in which most '
    'payouts are made, or else most of the balance, or of the payments.'
),
(
    'card_expiry_days',
    '30',
    'Days before the end of a card''s last month from which on mart.churn_risk names its subscription.'
);
alter table ops.policy add constraint policy_money_known check (
    case name
        when 'reporting_currency' then value ~ '^([a-z]{3})?$'
        when 'card_expiry_days' then value ~ '^[0-9]{1,4}$'
        else true
    end
);

-- Payouts that are there already have transactions to ask for.
delete from ops.batch_applied where model = 'enrichment';
