/* What customers were asked to pay. */
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
    has_more_lines boolean,
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
comment on column dwh.invoice_fact.has_more_lines is
'Whether it has more lines than the document showed: those are not in invoice_line_fact.';
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
