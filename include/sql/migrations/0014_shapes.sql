/* Columns for what some API versions tell elsewhere, or only when asked; a way to the rare kinds of objects. */
alter table dwh.price_dim add column currency_options jsonb;
comment on column dwh.price_dim.currency_options is
'Amounts in further currencies, by currency, where Stripe sent them; in its own currency the row itself tells.';

alter table dwh.customer_dim add column discounts jsonb;
comment on column dwh.customer_dim.discounts is
'Discounts on everything that the customer is billed for: ids (see staging.discounts_of).';

alter table dwh.subscription_dim add column tax_percent numeric;
comment on column dwh.subscription_dim.tax_percent is
'Sum of the tax rates that its invoices apply by default, in percent; null for none, or when Stripe calculates them.';
comment on column dwh.subscription_dim.discounts is
'Discounts on the whole subscription: ids (see staging.discounts_of).';
comment on column dwh.subscription_item_dim.discounts is 'Discounts on this item: ids (see staging.discounts_of).';

alter table dwh.invoice_fact add column application_fee_minor bigint;
comment on column dwh.invoice_fact.application_fee_minor is
'Fee for the platform (Connect), minor units; null for none, and from 2025-03-31.basil on.';

-- The views of schema staging read a whole kind, and these kinds are few among millions of charges and invoices.
create index event_of_rare_kind on raw.event (object_type, account_id, livemode, object_id)
where object_type in (
    'promotion_code', 'tax_rate', 'transfer', 'setup_intent', 'subscription_schedule', 'invoiceitem',
    'checkout.session', 'customer_balance_transaction'
);
create index object_of_rare_kind on raw.object (object_type, account_id, livemode, object_id)
where object_type in (
    'promotion_code', 'tax_rate', 'transfer', 'setup_intent', 'subscription_schedule', 'invoiceitem',
    'checkout.session', 'customer_balance_transaction'
);
