/* Who pays, and with what. */
create table dwh.customer_dim (
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    customer_sk bigint not null,
    name text,
    email text,
    description text,
    currency text,
    country_code text,
    default_payment_method_id text,
    tax_exempt text,
    test_clock_id text,
    balance_minor bigint,
    metadata jsonb,
    is_delinquent boolean,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, customer_id, valid_from)
);
comment on table dwh.customer_dim is
'Grain: one row per customer and stretch of time in which nothing about it changed.';
comment on column dwh.customer_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.customer_dim.livemode is 'False for test data.';
comment on column dwh.customer_dim.customer_id is 'Stripe id (cus_...).';
comment on column dwh.customer_dim.customer_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.customer_dim.name is 'Name. Personal data.';
comment on column dwh.customer_dim.email is 'E-mail address. Personal data.';
comment on column dwh.customer_dim.description is 'Free text of your own.';
comment on column dwh.customer_dim.currency is 'Currency in which it is billed; null before the first.';
comment on column dwh.customer_dim.country_code is 'Country of its address, ISO 3166.';
comment on column dwh.customer_dim.default_payment_method_id is 'Payment method that invoices are charged to.';
comment on column dwh.customer_dim.tax_exempt is 'none, exempt or reverse.';
comment on column dwh.customer_dim.test_clock_id is 'Test clock that it lives on; null for real time.';
comment on column dwh.customer_dim.balance_minor is
'Credit (negative) or debt that the next invoice takes up, minor units.';
comment on column dwh.customer_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.customer_dim.is_delinquent is 'Whether its latest invoice failed.';
comment on column dwh.customer_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.customer_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.customer_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.customer_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.customer_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';

create table dwh.payment_method_dim (
    account_id text not null,
    livemode boolean not null,
    payment_method_id text not null,
    customer_id text,
    payment_method_type text,
    brand text,
    last4 text,
    funding text,
    country_code text,
    wallet_type text,
    fingerprint text,
    exp_month integer,
    exp_year integer,
    created_at timestamptz,
    deleted_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, payment_method_id)
);
create index payment_method_dim_customer_id on dwh.payment_method_dim (account_id, livemode, customer_id);
comment on table dwh.payment_method_dim is
'Grain: one row per payment method (or legacy card or source), in its latest state.';
comment on column dwh.payment_method_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.payment_method_dim.livemode is 'False for test data.';
comment on column dwh.payment_method_dim.payment_method_id is 'Stripe id (pm_..., card_..., src_...).';
comment on column dwh.payment_method_dim.customer_id is 'Customer it is attached to.';
comment on column dwh.payment_method_dim.payment_method_type is 'card, sepa_debit, us_bank_account, ...';
comment on column dwh.payment_method_dim.brand is 'Card brand, lower case.';
comment on column dwh.payment_method_dim.last4 is 'Last four digits.';
comment on column dwh.payment_method_dim.funding is 'credit, debit, prepaid or unknown.';
comment on column dwh.payment_method_dim.country_code is 'Country of issue, ISO 3166.';
comment on column dwh.payment_method_dim.wallet_type is 'apple_pay, google_pay, ...; null without a wallet.';
comment on column dwh.payment_method_dim.fingerprint is 'Same for the same card number. Personal data.';
comment on column dwh.payment_method_dim.exp_month is 'Month of expiry.';
comment on column dwh.payment_method_dim.exp_year is 'Year of expiry.';
comment on column dwh.payment_method_dim.created_at is 'When it was created; null when only charges told of it.';
comment on column dwh.payment_method_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column dwh.payment_method_dim.version_at is
'Second of the version that this row shows; a thousand years before it when only a charge told of it.';
comment on column dwh.payment_method_dim.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.payment_method_dim.version_order is 'Order of that version inside its second and rank.';
