/* Grain: one row per place in a document where another object may stand. What models and rejects read there. */
create view staging.nesting as
select parent, child, path::jsonpath as path, is_whole
from (
    values
    -- what is always there as a whole, in a list
    ('charge', 'refund', '$.refunds', true),
    ('subscription', 'subscription_item', '$.items', true),
    ('invoice', 'invoice_line', '$.lines', true),
    ('invoice', 'invoice_payment', '$.payments', true),
    ('dispute', 'balance_transaction', '$.balance_transactions', true),
    -- until 2020-08-27, and before 2015-02-18 by the name of cards
    ('customer', 'payment_method', '$.sources', true),
    ('customer', 'payment_method', '$.cards', true),
    ('payout', 'balance_transaction', '$.balance_transactions', true),
    -- what is an id, unless somebody asked for the whole of it
    ('charge', 'balance_transaction', '$.balance_transaction', false),
    ('charge', 'balance_transaction', '$.refunds.data[*].balance_transaction', false),
    ('refund', 'balance_transaction', '$.balance_transaction', false),
    ('refund', 'balance_transaction', '$.failure_balance_transaction', false),
    ('payout', 'balance_transaction', '$.balance_transaction', false),
    ('payout', 'balance_transaction', '$.failure_balance_transaction', false),
    ('transfer', 'balance_transaction', '$.balance_transaction', false),
    -- Until 2017-04-06 a payout was a transfer: one with a status, and not to an account of Stripe.
    -- https://docs.stripe.com/transfer-payout-split
    (
        'transfer',
        'payout',
        '$ ? (@.status.type() == "string" && !(@.type == "stripe_account") '
        || '&& !exists(@.destination ? (@ starts with "acct_" || @.object == "account")))',
        false
    ),
    ('customer', 'payment_method', '$.default_source', false),
    ('customer', 'payment_method', '$.active_card', false),
    ('customer', 'discount', '$.discount', false),
    ('subscription', 'discount', '$.discount', false),
    ('subscription', 'discount', '$.discounts', false),
    ('subscription', 'discount', '$.items.data[*].discounts', false),
    ('invoice', 'discount', '$.discount', false),
    ('invoice', 'discount', '$.discounts', false),
    ('invoice', 'discount', '$.total_discount_amounts[*].discount', false),
    ('invoice', 'discount', '$.lines.data[*].discounts', false),
    ('invoiceitem', 'discount', '$.discounts', false)
) as place (parent, child, path, is_whole);
comment on view staging.nesting is
'Grain: one row per place in the documents of one kind where an object of another kind may stand.';
comment on column staging.nesting.parent is 'Kind of the document.';
comment on column staging.nesting.child is 'Kind of what stands in it: the staging function that reads it.';
comment on column staging.nesting.path is 'Where: one object, or a list of them.';
comment on column staging.nesting.is_whole is
'True for lists of whole objects, each with an id; false where an id may stand for the object.';
