/* How long a failed payment may still be recovered. */
insert into ops.policy (name, value, description)
values
(
    'recovery_days',
    '60',
    'A failed payment that nobody has tried for so many days is lost, until a later try collects it. Stripe tries '
    'again for two months at most.'
);
alter table ops.policy add constraint policy_recovery_known check (
    name <> 'recovery_days' or value::integer between 1 and 3650
);

-- which invoice an old payment intent pays, the invoice alone says
create index invoice_fact_payment_intent_id
on dwh.invoice_fact (account_id, livemode, payment_intent_id) where payment_intent_id is not null;
