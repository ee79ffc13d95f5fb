/* Grain: one row per payment intent that pays an invoice. What neither of the two names since 2025-03-31.basil. */
create view mart.payment_intent_invoice as
with told as (
    select account_id, livemode, payment_intent_id, invoice_id, null as invoice_payment_id, 0 as precedence
    from dwh.payment_intent_fact
    where invoice_id is not null
    union all
    select account_id, livemode, payment_intent_id, invoice_id, invoice_payment_id, 1 as precedence
    from dwh.invoice_payment_fact
    where payment_intent_id is not null
    union all
    select account_id, livemode, payment_intent_id, invoice_id, null, 2 as precedence
    from dwh.invoice_fact
    where payment_intent_id is not null
),

final as (
    -- a payment intent pays one invoice; should two name it, always the same of them
    select distinct on (account_id, livemode, payment_intent_id)
        account_id, livemode, payment_intent_id, invoice_id, invoice_payment_id
    from told
    order by account_id, livemode, payment_intent_id, precedence, invoice_payment_id, invoice_id
)

select * from final;

comment on view mart.payment_intent_invoice is
'Grain: one row per payment intent that pays an invoice, or tried to. Join payment intents and invoices through it.';
comment on column mart.payment_intent_invoice.account_id is 'Stripe account (acct_...).';
comment on column mart.payment_intent_invoice.livemode is 'False for test data.';
comment on column mart.payment_intent_invoice.payment_intent_id is 'Payment intent.';
comment on column mart.payment_intent_invoice.invoice_id is
'Invoice: named by the payment intent, by a payment of the invoice, or the one that names the payment intent.';
comment on column mart.payment_intent_invoice.invoice_payment_id is
'Payment of the invoice that told it; null where none did.';
