/* Grain: one row per kind of thing that is fetched because documents name it or leave it out. A new kind is a row here,
a line of staging.reference that names it, what says when it is wanted in records/enrichment.sql, how it is fetched in
RETRIEVALS (retrieval.py), and a golden case: a test finds what is missing. */
create view ops.enrichment_kind as
select kind, reading, is_named, awaits_list_of
from (
    values
    ('balance_transaction', 'balance_transaction', true, null),
    ('charge', 'charge', true, 'charge'),
    ('charge_refunds', 'charge', false, null),
    ('coupon', 'coupon', true, 'coupon'),
    ('customer', 'customer', true, 'customer'),
    ('customer_balance_transactions', 'customer', false, null),
    ('invoice', 'invoice', true, 'invoice'),
    ('invoice_lines', 'invoice', false, null),
    ('payout_transactions', 'payout', false, null),
    -- no list has all payment methods, but charges tell of most
    ('payment_method', 'payment_method', true, 'charge'),
    ('price', 'price', true, 'price'),
    ('price_currency_options', 'price', true, null),
    ('price_tiers', 'price', false, null),
    ('product', 'product', true, 'product'),
    ('subscription', 'subscription', true, 'subscription'),
    ('subscription_discounts', 'subscription', false, null),
    ('subscription_items', 'subscription', false, null)
) as known (kind, reading, is_named, awaits_list_of);
comment on view ops.enrichment_kind is
'Grain: one row per kind of ops.enrichment. What is in the queue of a kind that is not here stays there.';
comment on column ops.enrichment_kind.kind is 'See ops.enrichment.kind.';
comment on column ops.enrichment_kind.reading is
'The object to which it belongs, by the staging function that reads it: whenever one comes, the wish is judged again.';
comment on column ops.enrichment_kind.is_named is
'True: wanted since it was first named, until something has shown it, of coupons a list. False: all versions of the '
'object together say whether it is wanted, and since when.';
comment on column ops.enrichment_kind.awaits_list_of is
'Kind whose list brings most of them: one is fetched by itself only after that list was read once. Null: at once.';
