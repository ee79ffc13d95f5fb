/* Who is subscribed to what. */
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
