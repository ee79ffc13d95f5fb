/* Grain: one row per kind of thing that is fetched because documents name it or leave it out. A new kind is a row here,
a line of staging.reference that names it, what says when it is wanted in records/enrichment.sql, how it is fetched in
RETRIEVALS (retrieval.py), and a golden case: a test finds what is missing. */
create view ops.enrichment_kind as
select kind, reading, is_named, awaits_listing
from (
    values
    ('balance_transaction', 'balance_transaction', true, false),
    ('charge', 'charge', true, true),
    ('charge_refunds', 'charge', false, false),
    ('customer', 'customer', true, true),
    ('customer_balance_transactions', 'customer', false, false),
    ('invoice', 'invoice', true, true),
    ('invoice_lines', 'invoice', false, false),
    ('price', 'price', true, true),
    ('price_currency_options', 'price', true, false),
    ('price_tiers', 'price', false, false),
    ('product', 'product', true, true),
    ('subscription', 'subscription', true, true),
    ('subscription_discounts', 'subscription', false, false),
    ('subscription_items', 'subscription', false, false)
) as known (kind, reading, is_named, awaits_listing);
comment on view ops.enrichment_kind is
'Grain: one row per kind of ops.enrichment. What is in the queue of a kind that is not here stays there.';
comment on column ops.enrichment_kind.kind is 'See ops.enrichment.kind.';
comment on column ops.enrichment_kind.reading is
'The object to which it belongs, by the staging function that reads it: whenever one comes, the wish is judged again.';
comment on column ops.enrichment_kind.is_named is
'True: wanted since it was first named, until something has shown it. False: all versions of the object together say '
'whether it is wanted, and since when.';
comment on column ops.enrichment_kind.awaits_listing is
'Whether it is fetched only after its kind was listed once: before that, the backfill brings most of them.';
