/* The dimensions and facts of a subscription business. No foreign keys: objects arrive in any order. */

create table dwh.date_dim (
    date_sk integer primary key,
    day date not null unique,
    year integer not null,
    quarter integer not null,
    month integer not null,
    day_of_month integer not null,
    iso_year integer not null,
    iso_week integer not null,
    iso_weekday integer not null,
    month_start date not null,
    month_end date not null,
    is_weekend boolean not null
);
comment on table dwh.date_dim is 'Grain: one row per calendar day from 2000 to 2049.';
comment on column dwh.date_dim.date_sk is 'Key: yyyymmdd.';
comment on column dwh.date_dim.day is 'The day.';
comment on column dwh.date_dim.year is 'Calendar year.';
comment on column dwh.date_dim.quarter is 'Quarter, 1 to 4.';
comment on column dwh.date_dim.month is 'Month, 1 to 12.';
comment on column dwh.date_dim.day_of_month is 'Day of the month, 1 to 31.';
comment on column dwh.date_dim.iso_year is 'Year of the ISO 8601 week.';
comment on column dwh.date_dim.iso_week is 'ISO 8601 week, 1 to 53.';
comment on column dwh.date_dim.iso_weekday is 'ISO 8601 weekday, Monday is 1.';
comment on column dwh.date_dim.month_start is 'First day of the month.';
comment on column dwh.date_dim.month_end is 'Last day of the month.';
comment on column dwh.date_dim.is_weekend is 'Saturday or Sunday.';

create table dwh.currency_dim (
    currency text primary key,
    exponent integer not null
);
comment on table dwh.currency_dim is 'Grain: one row per currency that Stripe presents.';
comment on column dwh.currency_dim.currency is 'ISO 4217, lower case, as in Stripe.';
comment on column dwh.currency_dim.exponent is
'Decimals of Stripe''s minor unit: major amount = minor amount / 10 ^ exponent.';

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

create table dwh.product_dim (
    account_id text not null,
    livemode boolean not null,
    product_id text not null,
    product_sk bigint not null,
    name text,
    description text,
    product_type text,
    unit_label text,
    default_price_id text,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, product_id, valid_from)
);
comment on table dwh.product_dim is 'Grain: one row per product and stretch of time in which nothing about it changed.';
comment on column dwh.product_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.product_dim.livemode is 'False for test data.';
comment on column dwh.product_dim.product_id is 'Stripe id (prod_...).';
comment on column dwh.product_dim.product_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.product_dim.name is 'Name that customers see.';
comment on column dwh.product_dim.description is 'Description.';
comment on column dwh.product_dim.product_type is 'service or good.';
comment on column dwh.product_dim.unit_label is 'What one unit is called.';
comment on column dwh.product_dim.default_price_id is 'Its default price.';
comment on column dwh.product_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.product_dim.is_active is 'Whether it can be bought.';
comment on column dwh.product_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.product_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.product_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.product_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.product_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';

create table dwh.price_dim (
    account_id text not null,
    livemode boolean not null,
    price_id text not null,
    price_sk bigint not null,
    product_id text,
    price_type text,
    currency text,
    billing_scheme text,
    tiers_mode text,
    interval_unit text,
    usage_type text,
    nickname text,
    lookup_key text,
    tax_behavior text,
    unit_amount_minor numeric,
    interval_count integer,
    tiers jsonb,
    transform_quantity jsonb,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, price_id, valid_from)
);
comment on table dwh.price_dim is 'Grain: one row per price and stretch of time in which nothing about it changed.';
comment on column dwh.price_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.price_dim.livemode is 'False for test data.';
comment on column dwh.price_dim.price_id is 'Stripe id (price_..., or a name of your own).';
comment on column dwh.price_dim.price_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.price_dim.product_id is 'Product that it sells.';
comment on column dwh.price_dim.price_type is 'recurring or one_time.';
comment on column dwh.price_dim.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.price_dim.billing_scheme is 'per_unit or tiered.';
comment on column dwh.price_dim.tiers_mode is 'graduated or volume; null when not tiered.';
comment on column dwh.price_dim.interval_unit is 'day, week, month or year; null when not recurring.';
comment on column dwh.price_dim.usage_type is 'licensed or metered.';
comment on column dwh.price_dim.nickname is 'Name for your own eyes.';
comment on column dwh.price_dim.lookup_key is 'Key by which your code finds it.';
comment on column dwh.price_dim.tax_behavior is 'inclusive, exclusive or unspecified.';
comment on column dwh.price_dim.unit_amount_minor is
'Amount of one unit, minor units, maybe a fraction of one; null when tiered.';
comment on column dwh.price_dim.interval_count is 'Number of interval units in a period.';
comment on column dwh.price_dim.tiers is 'Tiers, where Stripe sent them.';
comment on column dwh.price_dim.transform_quantity is 'Division and rounding applied to the quantity.';
comment on column dwh.price_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.price_dim.is_active is 'Whether it can be bought.';
comment on column dwh.price_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.price_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.price_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.price_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.price_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';

create table dwh.subscription_dim (
    account_id text not null,
    livemode boolean not null,
    subscription_id text not null,
    subscription_sk bigint not null,
    customer_id text,
    status text,
    currency text,
    collection_method text,
    cancellation_reason text,
    cancellation_feedback text,
    default_payment_method_id text,
    latest_invoice_id text,
    schedule_id text,
    pause_behavior text,
    test_clock_id text,
    discounts jsonb,
    metadata jsonb,
    is_cancel_at_period_end boolean,
    created_at timestamptz,
    started_at timestamptz,
    trial_start_at timestamptz,
    trial_end_at timestamptz,
    current_period_start_at timestamptz,
    current_period_end_at timestamptz,
    pause_resumes_at timestamptz,
    cancel_at timestamptz,
    canceled_at timestamptz,
    ended_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, subscription_id, valid_from)
);
create index subscription_dim_customer_id on dwh.subscription_dim (account_id, livemode, customer_id);
comment on table dwh.subscription_dim is
'Grain: one row per subscription and stretch of time in which nothing about it changed.';
comment on column dwh.subscription_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.subscription_dim.livemode is 'False for test data.';
comment on column dwh.subscription_dim.subscription_id is 'Stripe id (sub_...).';
comment on column dwh.subscription_dim.subscription_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.subscription_dim.customer_id is 'Customer who subscribed.';
comment on column dwh.subscription_dim.status is
'trialing, active, past_due, paused, unpaid, canceled, incomplete or incomplete_expired.';
comment on column dwh.subscription_dim.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.subscription_dim.collection_method is 'charge_automatically or send_invoice.';
comment on column dwh.subscription_dim.cancellation_reason is
'Why it was canceled: cancellation_requested, payment_failed, payment_disputed.';
comment on column dwh.subscription_dim.cancellation_feedback is 'What the customer gave as the reason.';
comment on column dwh.subscription_dim.default_payment_method_id is 'Payment method of its own.';
comment on column dwh.subscription_dim.latest_invoice_id is 'Its latest invoice.';
comment on column dwh.subscription_dim.schedule_id is 'Schedule that drives it.';
comment on column dwh.subscription_dim.pause_behavior is
'What happens to invoices while collection is paused; null when it is not.';
comment on column dwh.subscription_dim.test_clock_id is 'Test clock that it lives on; null for real time.';
comment on column dwh.subscription_dim.discounts is 'Discounts on the whole subscription: ids or objects.';
comment on column dwh.subscription_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.subscription_dim.is_cancel_at_period_end is 'Whether it ends with the current period.';
comment on column dwh.subscription_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.subscription_dim.started_at is 'When it began, which may lie before its creation.';
comment on column dwh.subscription_dim.trial_start_at is 'Start of the trial.';
comment on column dwh.subscription_dim.trial_end_at is 'End of the trial.';
comment on column dwh.subscription_dim.current_period_start_at is 'Start of the current period (of its first item).';
comment on column dwh.subscription_dim.current_period_end_at is 'End of the current period (of its first item).';
comment on column dwh.subscription_dim.pause_resumes_at is 'When collection resumes.';
comment on column dwh.subscription_dim.cancel_at is 'When it is to be canceled.';
comment on column dwh.subscription_dim.canceled_at is 'When its cancellation was asked for.';
comment on column dwh.subscription_dim.ended_at is 'When it ended.';
comment on column dwh.subscription_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.subscription_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.subscription_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.subscription_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';

create table dwh.subscription_item_dim (
    account_id text not null,
    livemode boolean not null,
    subscription_item_id text not null,
    subscription_item_sk bigint not null,
    subscription_id text,
    price_id text,
    product_id text,
    currency text,
    interval_unit text,
    usage_type text,
    unit_amount_minor numeric,
    interval_count integer,
    quantity bigint,
    discounts jsonb,
    metadata jsonb,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, subscription_item_id, valid_from)
);
create index subscription_item_dim_subscription_id on dwh.subscription_item_dim (account_id, livemode, subscription_id);
comment on table dwh.subscription_item_dim is
'Grain: one row per subscription item and stretch of time in which nothing about it changed.';
comment on column dwh.subscription_item_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.subscription_item_dim.livemode is 'False for test data.';
comment on column dwh.subscription_item_dim.subscription_item_id is 'Stripe id (si_...).';
comment on column dwh.subscription_item_dim.subscription_item_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.subscription_item_dim.subscription_id is 'Subscription that it belongs to.';
comment on column dwh.subscription_item_dim.price_id is 'Price (or plan).';
comment on column dwh.subscription_item_dim.product_id is 'Product of the price.';
comment on column dwh.subscription_item_dim.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.subscription_item_dim.interval_unit is 'day, week, month or year.';
comment on column dwh.subscription_item_dim.usage_type is 'licensed or metered.';
comment on column dwh.subscription_item_dim.unit_amount_minor is
'Amount of one unit, minor units, maybe a fraction of one; null when tiered.';
comment on column dwh.subscription_item_dim.interval_count is 'Number of interval units in a period.';
comment on column dwh.subscription_item_dim.quantity is 'Units; null when metered.';
comment on column dwh.subscription_item_dim.discounts is 'Discounts on this item: ids or objects.';
comment on column dwh.subscription_item_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.subscription_item_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.subscription_item_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.subscription_item_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.subscription_item_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.subscription_item_dim.deleted_at is
'When Stripe deleted the object; null while it exists. Final.';

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
comment on column dwh.payment_method_dim.version_at is 'Second of the version that this row shows.';
comment on column dwh.payment_method_dim.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.payment_method_dim.version_order is 'Order of that version inside its second and rank.';

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
    currency text,
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
    currency text,
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

create table dwh.invoice_fact (
    account_id text not null,
    livemode boolean not null,
    invoice_id text not null,
    date_sk integer,
    customer_id text,
    subscription_id text,
    charge_id text,
    payment_intent_id text,
    invoice_number text,
    status text,
    billing_reason text,
    collection_method text,
    currency text,
    amount_due_minor bigint,
    amount_paid_minor bigint,
    amount_remaining_minor bigint,
    subtotal_minor bigint,
    discount_minor bigint,
    tax_minor bigint,
    total_minor bigint,
    starting_balance_minor bigint,
    ending_balance_minor bigint,
    attempt_count integer,
    metadata jsonb,
    is_attempted boolean,
    created_at timestamptz,
    period_start_at timestamptz,
    period_end_at timestamptz,
    due_at timestamptz,
    next_payment_attempt_at timestamptz,
    finalized_at timestamptz,
    paid_at timestamptz,
    voided_at timestamptz,
    marked_uncollectible_at timestamptz,
    deleted_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, invoice_id)
);
create index invoice_fact_customer_id on dwh.invoice_fact (account_id, livemode, customer_id);
create index invoice_fact_subscription_id on dwh.invoice_fact (account_id, livemode, subscription_id);
comment on table dwh.invoice_fact is 'Grain: one row per invoice, in its latest state.';
comment on column dwh.invoice_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.invoice_fact.livemode is 'False for test data.';
comment on column dwh.invoice_fact.invoice_id is 'Stripe id (in_...).';
comment on column dwh.invoice_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.invoice_fact.customer_id is 'Customer who is billed.';
comment on column dwh.invoice_fact.subscription_id is 'Subscription that it bills; null for a one-off.';
comment on column dwh.invoice_fact.charge_id is 'Charge, where the invoice names it (before 2025-03-31.basil).';
comment on column dwh.invoice_fact.payment_intent_id is
'Payment intent, where the invoice names it (before 2025-03-31.basil).';
comment on column dwh.invoice_fact.invoice_number is 'Number that the customer sees.';
comment on column dwh.invoice_fact.status is 'draft, open, paid, uncollectible or void.';
comment on column dwh.invoice_fact.billing_reason is
'subscription_create, subscription_cycle, subscription_update, manual, ...';
comment on column dwh.invoice_fact.collection_method is 'charge_automatically or send_invoice.';
comment on column dwh.invoice_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.invoice_fact.amount_due_minor is 'Amount due, minor units.';
comment on column dwh.invoice_fact.amount_paid_minor is 'Amount paid, minor units.';
comment on column dwh.invoice_fact.amount_remaining_minor is 'Amount still open, minor units.';
comment on column dwh.invoice_fact.subtotal_minor is
'Sum of the lines before discounts and exclusive tax, minor units.';
comment on column dwh.invoice_fact.discount_minor is 'Discounts, minor units, positive.';
comment on column dwh.invoice_fact.tax_minor is 'Taxes, minor units.';
comment on column dwh.invoice_fact.total_minor is 'After discounts and tax, minor units.';
comment on column dwh.invoice_fact.starting_balance_minor is 'Customer balance before it, minor units.';
comment on column dwh.invoice_fact.ending_balance_minor is 'Customer balance after it, minor units.';
comment on column dwh.invoice_fact.attempt_count is 'Attempts at payment.';
comment on column dwh.invoice_fact.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.invoice_fact.is_attempted is 'Whether payment was attempted.';
comment on column dwh.invoice_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.invoice_fact.period_start_at is 'Start of the usage period.';
comment on column dwh.invoice_fact.period_end_at is 'End of the usage period.';
comment on column dwh.invoice_fact.due_at is 'When it is due (send_invoice).';
comment on column dwh.invoice_fact.next_payment_attempt_at is 'When payment is tried next.';
comment on column dwh.invoice_fact.finalized_at is 'When it was finalized.';
comment on column dwh.invoice_fact.paid_at is 'When it was paid.';
comment on column dwh.invoice_fact.voided_at is 'When it was voided.';
comment on column dwh.invoice_fact.marked_uncollectible_at is 'When it was given up.';
comment on column dwh.invoice_fact.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column dwh.invoice_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.invoice_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.invoice_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.invoice_line_fact (
    account_id text not null,
    livemode boolean not null,
    invoice_id text not null,
    invoice_line_id text not null,
    line_type text,
    customer_id text,
    price_id text,
    product_id text,
    subscription_id text,
    subscription_item_id text,
    invoice_item_id text,
    description text,
    currency text,
    amount_minor bigint,
    discount_minor bigint,
    tax_minor bigint,
    unit_amount_minor numeric,
    quantity numeric,
    is_proration boolean,
    invoiced_at timestamptz,
    period_start_at timestamptz,
    period_end_at timestamptz,
    primary key (account_id, livemode, invoice_id, invoice_line_id)
);
create index invoice_line_fact_subscription_id on dwh.invoice_line_fact (account_id, livemode, subscription_id);
comment on table dwh.invoice_line_fact is 'Grain: one row per line of an invoice, as in the invoices latest version.';
comment on column dwh.invoice_line_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.invoice_line_fact.livemode is 'False for test data.';
comment on column dwh.invoice_line_fact.invoice_id is 'Invoice that it belongs to.';
comment on column dwh.invoice_line_fact.invoice_line_id is
'Stripe id (il_...; in old shapes that of the subscription: unique inside the invoice only).';
comment on column dwh.invoice_line_fact.line_type is 'subscription or invoiceitem.';
comment on column dwh.invoice_line_fact.customer_id is 'Customer who is billed.';
comment on column dwh.invoice_line_fact.price_id is 'Price (or plan).';
comment on column dwh.invoice_line_fact.product_id is 'Product.';
comment on column dwh.invoice_line_fact.subscription_id is 'Subscription.';
comment on column dwh.invoice_line_fact.subscription_item_id is 'Subscription item.';
comment on column dwh.invoice_line_fact.invoice_item_id is 'Invoice item.';
comment on column dwh.invoice_line_fact.description is 'What the customer reads.';
comment on column dwh.invoice_line_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.invoice_line_fact.amount_minor is 'Amount before discounts, minor units; negative for credit.';
comment on column dwh.invoice_line_fact.discount_minor is 'Its share of discounts, minor units, positive.';
comment on column dwh.invoice_line_fact.tax_minor is 'Taxes, minor units.';
comment on column dwh.invoice_line_fact.unit_amount_minor is
'Amount of one unit, minor units, maybe a fraction of one.';
comment on column dwh.invoice_line_fact.quantity is 'Units.';
comment on column dwh.invoice_line_fact.is_proration is 'Whether it corrects a period that was changed midway.';
comment on column dwh.invoice_line_fact.invoiced_at is 'When the invoice was created.';
comment on column dwh.invoice_line_fact.period_start_at is 'Start of the period that it bills.';
comment on column dwh.invoice_line_fact.period_end_at is 'End of the period that it bills.';

create table dwh.transaction_fact (
    account_id text not null,
    livemode boolean not null,
    transaction_type text not null,
    source_id text not null,
    date_sk integer,
    charge_id text,
    customer_id text,
    currency text,
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
