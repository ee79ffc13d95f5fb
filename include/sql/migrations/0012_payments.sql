/* How invoices are paid, disputed and corrected. */
create table dwh.payment_intent_fact (
    account_id text not null,
    livemode boolean not null,
    payment_intent_id text not null,
    date_sk integer,
    customer_id text,
    invoice_id text,
    payment_method_id text,
    latest_charge_id text,
    status text,
    currency text,
    capture_method text,
    confirmation_method text,
    setup_future_usage text,
    cancellation_reason text,
    last_error_code text,
    last_error_decline_code text,
    last_error_message text,
    amount_minor bigint,
    amount_capturable_minor bigint,
    amount_received_minor bigint,
    application_fee_minor bigint,
    metadata jsonb,
    created_at timestamptz,
    canceled_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, payment_intent_id)
);
create index payment_intent_fact_customer_id on dwh.payment_intent_fact (account_id, livemode, customer_id);
comment on table dwh.payment_intent_fact is 'Grain: one row per payment intent, in its latest state.';
comment on column dwh.payment_intent_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.payment_intent_fact.livemode is 'False for test data.';
comment on column dwh.payment_intent_fact.payment_intent_id is 'Stripe id (pi_...).';
comment on column dwh.payment_intent_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.payment_intent_fact.customer_id is 'Customer; null for a guest.';
comment on column dwh.payment_intent_fact.invoice_id is
'Invoice, where it names one (before 2025-03-31.basil); after that see mart.charge_invoice.';
comment on column dwh.payment_intent_fact.payment_method_id is 'Payment method, card or source to pay with.';
comment on column dwh.payment_intent_fact.latest_charge_id is 'Its newest charge.';
comment on column dwh.payment_intent_fact.status is
'requires_payment_method, requires_confirmation, requires_action, processing, requires_capture, succeeded, ...';
comment on column dwh.payment_intent_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.payment_intent_fact.capture_method is 'automatic, automatic_async or manual.';
comment on column dwh.payment_intent_fact.confirmation_method is 'automatic or manual.';
comment on column dwh.payment_intent_fact.setup_future_usage is
'on_session or off_session, when the payment method is kept.';
comment on column dwh.payment_intent_fact.cancellation_reason is 'Why it was canceled.';
comment on column dwh.payment_intent_fact.last_error_code is 'Why the last attempt failed.';
comment on column dwh.payment_intent_fact.last_error_decline_code is 'The issuer''s reason for the last failure.';
comment on column dwh.payment_intent_fact.last_error_message is 'Why the last attempt failed, in words.';
comment on column dwh.payment_intent_fact.amount_minor is 'Amount asked for, minor units.';
comment on column dwh.payment_intent_fact.amount_capturable_minor is
'Amount authorised and not taken yet, minor units.';
comment on column dwh.payment_intent_fact.amount_received_minor is 'Amount taken, minor units.';
comment on column dwh.payment_intent_fact.application_fee_minor is 'The platform''s fee (Connect), minor units.';
comment on column dwh.payment_intent_fact.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.payment_intent_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.payment_intent_fact.canceled_at is 'When it was canceled.';
comment on column dwh.payment_intent_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.payment_intent_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.payment_intent_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.invoice_payment_fact (
    account_id text not null,
    livemode boolean not null,
    invoice_payment_id text not null,
    date_sk integer,
    invoice_id text,
    payment_type text,
    payment_intent_id text,
    charge_id text,
    payment_record_id text,
    status text,
    currency text,
    amount_requested_minor bigint,
    amount_paid_minor bigint,
    is_default boolean,
    created_at timestamptz,
    paid_at timestamptz,
    canceled_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, invoice_payment_id)
);
create index invoice_payment_fact_invoice_id on dwh.invoice_payment_fact (account_id, livemode, invoice_id);
create index invoice_payment_fact_payment_intent_id
on dwh.invoice_payment_fact (account_id, livemode, payment_intent_id);
comment on table dwh.invoice_payment_fact is
'Grain: one row per payment of an invoice, in its latest state. There are some since 2025-03-31.basil.';
comment on column dwh.invoice_payment_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.invoice_payment_fact.livemode is 'False for test data.';
comment on column dwh.invoice_payment_fact.invoice_payment_id is 'Stripe id (inpay_...).';
comment on column dwh.invoice_payment_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.invoice_payment_fact.invoice_id is 'Invoice that is paid.';
comment on column dwh.invoice_payment_fact.payment_type is 'payment_intent, charge or payment_record: what pays.';
comment on column dwh.invoice_payment_fact.payment_intent_id is 'Payment intent that pays.';
comment on column dwh.invoice_payment_fact.charge_id is 'Charge that pays, where no payment intent does.';
comment on column dwh.invoice_payment_fact.payment_record_id is 'Record of a payment outside Stripe.';
comment on column dwh.invoice_payment_fact.status is 'open, paid or canceled.';
comment on column dwh.invoice_payment_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.invoice_payment_fact.amount_requested_minor is 'Amount that it is to pay, minor units.';
comment on column dwh.invoice_payment_fact.amount_paid_minor is
'Amount that it has paid, minor units; null until then.';
comment on column dwh.invoice_payment_fact.is_default is
'Whether it is the invoice''s own attempt, not one that was added.';
comment on column dwh.invoice_payment_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.invoice_payment_fact.paid_at is 'When it was paid.';
comment on column dwh.invoice_payment_fact.canceled_at is 'When it was canceled.';
comment on column dwh.invoice_payment_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.invoice_payment_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.invoice_payment_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.dispute_fact (
    account_id text not null,
    livemode boolean not null,
    dispute_id text not null,
    date_sk integer,
    charge_id text,
    payment_intent_id text,
    status text,
    reason text,
    network_reason_code text,
    currency text not null,
    amount_minor bigint,
    withdrawn_minor bigint not null,
    reinstated_minor bigint not null,
    fee_minor bigint,
    submission_count integer,
    metadata jsonb,
    is_inquiry boolean,
    is_charge_refundable boolean,
    has_evidence boolean,
    created_at timestamptz,
    evidence_due_at timestamptz,
    withdrawn_at timestamptz,
    reinstated_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, dispute_id)
);
create index dispute_fact_charge_id on dwh.dispute_fact (account_id, livemode, charge_id);
comment on table dwh.dispute_fact is 'Grain: one row per dispute or inquiry, in its latest state.';
comment on column dwh.dispute_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.dispute_fact.livemode is 'False for test data.';
comment on column dwh.dispute_fact.dispute_id is 'Stripe id (dp_..., du_...).';
comment on column dwh.dispute_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.dispute_fact.charge_id is 'Charge that is disputed.';
comment on column dwh.dispute_fact.payment_intent_id is 'Payment intent of that charge.';
comment on column dwh.dispute_fact.status is
'needs_response, under_review, won, lost; warning_* for an inquiry; prevented.';
comment on column dwh.dispute_fact.reason is 'fraudulent, product_not_received, subscription_canceled, ...';
comment on column dwh.dispute_fact.network_reason_code is 'Reason in the code of the card network.';
comment on column dwh.dispute_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.dispute_fact.amount_minor is 'Amount disputed, minor units, positive.';
comment on column dwh.dispute_fact.withdrawn_minor is
'Amount that Stripe took back, minor units, positive; 0 while nothing moved. Without the fee.';
comment on column dwh.dispute_fact.reinstated_minor is
'Amount that Stripe returned, minor units, positive; 0 while nothing moved.';
comment on column dwh.dispute_fact.fee_minor is
'Fees for the dispute, less those returned, minor units of the currency of the balance; null without any.';
comment on column dwh.dispute_fact.submission_count is 'How often evidence was sent in.';
comment on column dwh.dispute_fact.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.dispute_fact.is_inquiry is
'Whether it is a question only, before any money moves (status warning_*).';
comment on column dwh.dispute_fact.is_charge_refundable is 'Whether a refund can still settle it.';
comment on column dwh.dispute_fact.has_evidence is 'Whether evidence has been prepared.';
comment on column dwh.dispute_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.dispute_fact.evidence_due_at is 'When evidence is due.';
comment on column dwh.dispute_fact.withdrawn_at is 'When Stripe took the money back.';
comment on column dwh.dispute_fact.reinstated_at is
'When Stripe returned the money; where only the outcome is known, when it was seen.';
comment on column dwh.dispute_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.dispute_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.dispute_fact.version_order is 'Order of that version inside its second and rank.';

create table dwh.credit_note_fact (
    account_id text not null,
    livemode boolean not null,
    credit_note_id text not null,
    date_sk integer,
    invoice_id text,
    customer_id text,
    customer_balance_transaction_id text,
    refund_ids text[],
    credit_note_number text,
    credit_note_type text,
    status text,
    reason text,
    memo text,
    currency text,
    amount_minor bigint,
    subtotal_minor bigint,
    discount_minor bigint,
    tax_minor bigint,
    total_minor bigint,
    out_of_band_minor bigint,
    pre_payment_minor bigint,
    post_payment_minor bigint,
    metadata jsonb,
    created_at timestamptz,
    effective_at timestamptz,
    voided_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, credit_note_id)
);
create index credit_note_fact_invoice_id on dwh.credit_note_fact (account_id, livemode, invoice_id);
comment on table dwh.credit_note_fact is 'Grain: one row per credit note, in its latest state.';
comment on column dwh.credit_note_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.credit_note_fact.livemode is 'False for test data.';
comment on column dwh.credit_note_fact.credit_note_id is 'Stripe id (cn_...).';
comment on column dwh.credit_note_fact.date_sk is 'UTC day of creation, yyyymmdd.';
comment on column dwh.credit_note_fact.invoice_id is 'Invoice that it corrects.';
comment on column dwh.credit_note_fact.customer_id is 'Customer.';
comment on column dwh.credit_note_fact.customer_balance_transaction_id is
'Credit to the customer''s balance, if that is how it was given.';
comment on column dwh.credit_note_fact.refund_ids is 'Refunds by which it was given back; empty without any.';
comment on column dwh.credit_note_fact.credit_note_number is 'Number that the customer sees.';
comment on column dwh.credit_note_fact.credit_note_type is
'pre_payment (lowers what is due), post_payment (gives back) or mixed.';
comment on column dwh.credit_note_fact.status is 'issued or void.';
comment on column dwh.credit_note_fact.reason is 'duplicate, fraudulent, order_change or product_unsatisfactory.';
comment on column dwh.credit_note_fact.memo is 'What the customer reads.';
comment on column dwh.credit_note_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.credit_note_fact.amount_minor is 'Amount credited, minor units, positive.';
comment on column dwh.credit_note_fact.subtotal_minor is
'Sum of its lines before discounts and exclusive tax, minor units.';
comment on column dwh.credit_note_fact.discount_minor is 'Discounts, minor units, positive.';
comment on column dwh.credit_note_fact.tax_minor is 'Taxes, minor units.';
comment on column dwh.credit_note_fact.total_minor is 'After discounts and tax, minor units.';
comment on column dwh.credit_note_fact.out_of_band_minor is 'Part that was given back outside Stripe, minor units.';
comment on column dwh.credit_note_fact.pre_payment_minor is 'Part that lowers what is due, minor units.';
comment on column dwh.credit_note_fact.post_payment_minor is 'Part that gives back what was paid, minor units.';
comment on column dwh.credit_note_fact.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.credit_note_fact.created_at is 'When it was created in Stripe.';
comment on column dwh.credit_note_fact.effective_at is 'Date that it bears.';
comment on column dwh.credit_note_fact.voided_at is 'When it was voided.';
comment on column dwh.credit_note_fact.version_at is 'Second of the version that this row shows.';
comment on column dwh.credit_note_fact.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.credit_note_fact.version_order is 'Order of that version inside its second and rank.';
