/* Grain: one row per charge that pays an invoice. What charges name no more since 2025-03-31.basil. */
create view mart.charge_invoice as
with told as (
    select account_id, livemode, charge_id, invoice_id, null as invoice_payment_id, 0 as precedence
    from dwh.charge_fact
    where invoice_id is not null
    union all
    select c.account_id, c.livemode, c.charge_id, p.invoice_id, p.invoice_payment_id, 1 as precedence
    from dwh.charge_fact as c
    inner join dwh.invoice_payment_fact as p
        on
            c.account_id = p.account_id
            and c.livemode = p.livemode
            and c.payment_intent_id = p.payment_intent_id
    union all
    select account_id, livemode, charge_id, invoice_id, invoice_payment_id, 2 as precedence
    from dwh.invoice_payment_fact
    where charge_id is not null
    union all
    select c.account_id, c.livemode, c.charge_id, i.invoice_id, null, 3 as precedence
    from dwh.charge_fact as c
    inner join dwh.payment_intent_fact as i
        on
            c.account_id = i.account_id
            and c.livemode = i.livemode
            and c.payment_intent_id = i.payment_intent_id
    where i.invoice_id is not null
    union all
    select account_id, livemode, charge_id, invoice_id, null, 4 as precedence
    from dwh.invoice_fact
    where charge_id is not null
),

final as (
    -- a payment intent pays one invoice; should two name it, always the same of them
    select distinct on (account_id, livemode, charge_id)
        account_id, livemode, charge_id, invoice_id, invoice_payment_id
    from told
    order by account_id, livemode, charge_id, precedence, invoice_payment_id, invoice_id
)

select * from final;

comment on view mart.charge_invoice is
'Grain: one row per charge that pays an invoice, or tried to. Join charges and invoices through it.';
comment on column mart.charge_invoice.account_id is 'Stripe account (acct_...).';
comment on column mart.charge_invoice.livemode is 'False for test data.';
comment on column mart.charge_invoice.charge_id is 'Charge.';
comment on column mart.charge_invoice.invoice_id is
'Invoice: named by the charge, by its payment intent, by a payment of the invoice, or the one that names the charge.';
comment on column mart.charge_invoice.invoice_payment_id is
'Payment of the invoice that told it; null where none did.';
