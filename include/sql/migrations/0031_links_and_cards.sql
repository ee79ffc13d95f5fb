/* Which invoice a payment paid outlives the API version that told it, and cards inside customers are payment methods.
Loaded anew, to show what newer shapes erased and what was not read. */
alter table dwh.charge_fact
add column links_at timestamptz,
add column links_rank smallint,
add column links_order bigint;
comment on column dwh.charge_fact.invoice_id is
'Invoice, as the charge named it last (before 2025-03-31.basil); mart.charge_invoice has it of all charges.';
comment on column dwh.charge_fact.links_at is 'Second of the last version that names the invoice; null for none.';
comment on column dwh.charge_fact.links_rank is 'Rank of that version inside its second.';
comment on column dwh.charge_fact.links_order is 'Order of that version inside its second and rank.';

alter table dwh.payment_intent_fact
add column links_at timestamptz,
add column links_rank smallint,
add column links_order bigint;
comment on column dwh.payment_intent_fact.invoice_id is
'Invoice, as the payment intent named it last (before 2025-03-31.basil); mart.payment_intent_invoice has it of all.';
comment on column dwh.payment_intent_fact.links_at is
'Second of the last version that names the invoice; null for none.';
comment on column dwh.payment_intent_fact.links_rank is 'Rank of that version inside its second.';
comment on column dwh.payment_intent_fact.links_order is 'Order of that version inside its second and rank.';

alter table dwh.invoice_fact
add column links_at timestamptz,
add column links_rank smallint,
add column links_order bigint;
comment on column dwh.invoice_fact.charge_id is
'Charge, as the invoice named it last: events before 2025-03-31.basil do, and lists do. mart.charge_invoice has it of '
'all charges.';
comment on column dwh.invoice_fact.payment_intent_id is
'Payment intent, as the invoice named it last: events before 2025-03-31.basil do, and lists do. '
'mart.payment_intent_invoice has it of all payment intents.';
comment on column dwh.invoice_fact.links_at is
'Second of the last version that names a charge or a payment intent; null for none.';
comment on column dwh.invoice_fact.links_rank is 'Rank of that version inside its second.';
comment on column dwh.invoice_fact.links_order is 'Order of that version inside its second and rank.';

truncate dwh.charge_fact, dwh.payment_intent_fact, dwh.invoice_fact, dwh.payment_method_dim;
delete from ops.batch_applied
where model in ('charge_fact', 'payment_intent_fact', 'invoice_fact', 'payment_method_dim', 'enrichment');
