/* The movements of money. No foreign keys here and elsewhere: objects arrive in any order. */
create table dwh.charge_fact (
    account_id text not null,
    livemode boolean not null,
    charge_id text not null,
    date_sk integer,
    customer_id text,
    invoice_id text,
    payment_intent_id text,
    payment_method_id text,
    balance_transaction_id text,
    status text,
    currency text not null,
    failure_code text,
    failure_message text,
    outcome_type text,
    risk_level text,
    amount_minor bigint,
    amount_captured_minor bigint,
    amount_refunded_minor bigint,
    is_captured boolean,
    is_disputed boolean,
    created_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, charge_id)
);
create index charge_fact_customer_id on dwh.charge_fact (account_id, livemode, customer_id);
create index charge_fact_created_at on dwh.charge_fact (created_at);
comment on table dwh.charge_fact is 'Grain: one row per charge, in its latest state.';
comment on column dwh.charge_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.charge_fact.livemode is 'False for test data.';
comment on column dwh.charge_fact.charge_id is 'Stripe id (ch_..., py_...).';
comment on column dwh.charge_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.charge_fact.customer_id is 'Customer; null for a guest.';
comment on column dwh.charge_fact.invoice_id is 'Invoice, where the charge names it (before 2025-03-31.basil).';
comment on column dwh.charge_fact.payment_intent_id is 'Payment intent.';
comment on column dwh.charge_fact.payment_method_id is 'Payment method, card or source that paid.';
comment on column dwh.charge_fact.balance_transaction_id is 'Balance transaction; null before it is settled.';
comment on column dwh.charge_fact.status is 'succeeded, pending or failed.';
comment on column dwh.charge_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.charge_fact.failure_code is 'Why it failed.';
comment on column dwh.charge_fact.failure_message is 'Why it failed, in words.';
comment on column dwh.charge_fact.outcome_type is 'authorized, issuer_declined, blocked, ...';
comment on column dwh.charge_fact.risk_level is 'Stripes risk level.';
comment on column dwh.charge_fact.amount_minor is 'Amount asked for, minor units.';
comment on column dwh.charge_fact.amount_captured_minor is 'Amount taken, minor units.';
comment on column dwh.charge_fact.amount_refunded_minor is 'Amount given back, minor units.';
comment on column dwh.charge_fact.is_captured is 'Whether the money was taken, not only authorised.';
comment on column dwh.charge_fact.is_disputed is 'Whether it was disputed.';
comment on column dwh.charge_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.charge_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.charge_fact.version_rank is 'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.charge_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.refund_fact (
    account_id text not null,
    livemode boolean not null,
    refund_id text not null,
    date_sk integer,
    charge_id text,
    payment_intent_id text,
    balance_transaction_id text,
    status text,
    currency text not null,
    reason text,
    failure_reason text,
    amount_minor bigint,
    created_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, refund_id)
);
create index refund_fact_charge_id on dwh.refund_fact (account_id, livemode, charge_id);
comment on table dwh.refund_fact is 'Grain: one row per refund, in its latest state.';
comment on column dwh.refund_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.refund_fact.livemode is 'False for test data.';
comment on column dwh.refund_fact.refund_id is 'Stripe id (re_...).';
comment on column dwh.refund_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.refund_fact.charge_id is 'Charge that is given back.';
comment on column dwh.refund_fact.payment_intent_id is 'Payment intent of that charge.';
comment on column dwh.refund_fact.balance_transaction_id is 'Balance transaction.';
comment on column dwh.refund_fact.status is 'pending, requires_action, succeeded, failed or canceled.';
comment on column dwh.refund_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.refund_fact.reason is 'duplicate, fraudulent, requested_by_customer, ...';
comment on column dwh.refund_fact.failure_reason is 'Why it failed.';
comment on column dwh.refund_fact.amount_minor is 'Amount given back, minor units, positive.';
comment on column dwh.refund_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.refund_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.refund_fact.version_rank is 'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.refund_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.transaction_fact (
    account_id text not null,
    livemode boolean not null,
    transaction_type text not null,
    source_id text not null,
    date_sk integer,
    charge_id text,
    customer_id text,
    currency text not null,
    amount_minor bigint not null,
    occurred_at timestamptz,
    primary key (account_id, livemode, transaction_type, source_id)
);
create index transaction_fact_customer_id on dwh.transaction_fact (account_id, livemode, customer_id);
create index transaction_fact_charge_id on dwh.transaction_fact (account_id, livemode, charge_id);
create index transaction_fact_occurred_at on dwh.transaction_fact (occurred_at);
comment on table dwh.transaction_fact is
'Grain: one signed row per movement of money: a successful charge (+) or a refund that did not fail (-).';
comment on column dwh.transaction_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.transaction_fact.livemode is 'False for test data.';
comment on column dwh.transaction_fact.transaction_type is 'charge or refund.';
comment on column dwh.transaction_fact.source_id is 'Id of the charge or refund.';
comment on column dwh.transaction_fact.date_sk is 'UTC day, yyyymmdd.';
comment on column dwh.transaction_fact.charge_id is 'Charge: itself, or the one given back.';
comment on column dwh.transaction_fact.customer_id is 'Customer of the charge; null for a guest.';
comment on column dwh.transaction_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.transaction_fact.amount_minor is 'Signed amount, minor units.';
comment on column dwh.transaction_fact.occurred_at is 'When the charge or refund was created.';
