/* The ledger of the Stripe balance, and what it tells of the money of refunds and disputes. */
create table dwh.balance_transaction_fact (
    account_id text not null,
    livemode boolean not null,
    balance_transaction_id text not null,
    date_sk integer,
    source_id text,
    balance_transaction_type text,
    reporting_category text,
    balance_type text,
    status text,
    description text,
    currency text,
    amount_minor bigint,
    fee_minor bigint,
    net_minor bigint,
    exchange_rate numeric,
    fee_details jsonb,
    created_at timestamptz,
    available_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, balance_transaction_id)
);
create index balance_transaction_fact_source_id on dwh.balance_transaction_fact (account_id, livemode, source_id);
comment on table dwh.balance_transaction_fact is 'Grain: one row per balance transaction, in its latest state.';
comment on column dwh.balance_transaction_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.balance_transaction_fact.livemode is 'False for test data.';
comment on column dwh.balance_transaction_fact.balance_transaction_id is 'Stripe id (txn_...).';
comment on column dwh.balance_transaction_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.balance_transaction_fact.source_id is
'Object that it comes from: charge, refund, dispute, payout, transfer, ...';
comment on column dwh.balance_transaction_fact.balance_transaction_type is
'charge, payment, refund, adjustment, stripe_fee, payout, transfer, ...';
comment on column dwh.balance_transaction_fact.reporting_category is
'Stripe''s grouping for accounts: charge, refund, partial_capture_reversal, dispute, dispute_reversal, fee, ...';
comment on column dwh.balance_transaction_fact.balance_type is 'Balance that it belongs to: payments, issuing, ...';
comment on column dwh.balance_transaction_fact.status is 'pending or available.';
comment on column dwh.balance_transaction_fact.description is 'Description.';
comment on column dwh.balance_transaction_fact.currency is
'Currency of the balance, ISO 4217, lower case: not always that of the payment.';
comment on column dwh.balance_transaction_fact.amount_minor is 'Signed amount before fees, minor units.';
comment on column dwh.balance_transaction_fact.fee_minor is 'Fees, minor units, positive when paid.';
comment on column dwh.balance_transaction_fact.net_minor is 'Signed effect on the balance: amount_minor - fee_minor.';
comment on column dwh.balance_transaction_fact.exchange_rate is
'What an amount in the currency of the payment was multiplied by; null without conversion.';
comment on column dwh.balance_transaction_fact.fee_details is
'What the fees were for: [{amount, currency, type, description, application}].';
comment on column dwh.balance_transaction_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.balance_transaction_fact.available_at is 'When the money can be paid out.';
comment on column dwh.balance_transaction_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.balance_transaction_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.balance_transaction_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.payout_fact (
    account_id text not null,
    livemode boolean not null,
    payout_id text not null,
    date_sk integer,
    balance_transaction_id text,
    failure_balance_transaction_id text,
    destination_id text,
    original_payout_id text,
    reversed_by_payout_id text,
    status text,
    currency text,
    method text,
    payout_type text,
    source_type text,
    reconciliation_status text,
    description text,
    statement_descriptor text,
    failure_code text,
    failure_message text,
    amount_minor bigint,
    metadata jsonb,
    is_automatic boolean,
    created_at timestamptz,
    arrival_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, payout_id)
);
comment on table dwh.payout_fact is 'Grain: one row per payout, in its latest state.';
comment on column dwh.payout_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.payout_fact.livemode is 'False for test data.';
comment on column dwh.payout_fact.payout_id is 'Stripe id (po_...).';
comment on column dwh.payout_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.payout_fact.balance_transaction_id is 'Balance transaction of the payout.';
comment on column dwh.payout_fact.failure_balance_transaction_id is
'Balance transaction by which a failed payout came back.';
comment on column dwh.payout_fact.destination_id is 'Bank account or card that it goes to.';
comment on column dwh.payout_fact.original_payout_id is 'Payout that this one reverses.';
comment on column dwh.payout_fact.reversed_by_payout_id is 'Payout that reverses this one.';
comment on column dwh.payout_fact.status is 'pending, in_transit, paid, failed or canceled.';
comment on column dwh.payout_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.payout_fact.method is 'standard or instant.';
comment on column dwh.payout_fact.payout_type is 'bank_account or card.';
comment on column dwh.payout_fact.source_type is 'Balance that it comes from: card, bank_account or fpx.';
comment on column dwh.payout_fact.reconciliation_status is
'Whether Stripe can tell which balance transactions are in it: completed, in_progress or not_applicable.';
comment on column dwh.payout_fact.description is 'Description.';
comment on column dwh.payout_fact.statement_descriptor is 'What the bank statement says.';
comment on column dwh.payout_fact.failure_code is 'Why it failed.';
comment on column dwh.payout_fact.failure_message is 'Why it failed, in words.';
comment on column dwh.payout_fact.amount_minor is 'Amount, minor units; negative for money that Stripe collects.';
comment on column dwh.payout_fact.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.payout_fact.is_automatic is 'Whether Stripe''s schedule made it.';
comment on column dwh.payout_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.payout_fact.arrival_at is 'Day on which the bank should have it.';
comment on column dwh.payout_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.payout_fact.version_rank is 'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.payout_fact.version_order is 'Order of that version inside its second and rank.';

alter table dwh.refund_fact add column has_balance_transaction boolean;
comment on column dwh.refund_fact.has_balance_transaction is
'Whether it touched the balance: false where Stripe says that it did not (or not yet), null where it does not say.';
create index refund_fact_balance_transaction_id on dwh.refund_fact (account_id, livemode, balance_transaction_id);

comment on table dwh.transaction_fact is
'Grain: one signed row per movement of money: a successful charge (+), a refund (-), a dispute (-), its reversal (+).';
comment on column dwh.transaction_fact.transaction_type is 'charge, refund, dispute or dispute_reversal.';
comment on column dwh.transaction_fact.source_id is 'Id of the charge, refund or dispute.';
comment on column dwh.transaction_fact.charge_id is 'Charge: itself, or the one given back or disputed.';
comment on column dwh.transaction_fact.occurred_at is
'When the charge or refund was created, or the money of a dispute withdrawn or reinstated.';

-- Both are made anew from raw by the next load: batches that they have applied hold disputes and the new column.
delete from dwh.transaction_fact;
delete from dwh.refund_fact;
delete from ops.batch_applied where model in ('refund_fact', 'transaction_fact');
