/* Grain: one row per change of a customer's credit balance, latest state; before it, how one is read. */
create function staging.customer_balance_transaction(body jsonb) returns table (
    customer_id text,
    invoice_id text,
    credit_note_id text,
    checkout_session_id text,
    transaction_type text,
    description text,
    currency text,
    amount_minor bigint,
    ending_balance_minor bigint,
    metadata jsonb,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        staging.id_of(r.invoice),
        staging.id_of(r.credit_note),
        staging.id_of(r.checkout_session),
        r.type,
        r.description,
        lower(r.currency),
        r.amount,
        r.ending_balance,
        r.metadata,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        customer jsonb,
        invoice jsonb,
        credit_note jsonb,
        checkout_session jsonb,
        type text,
        description text,
        currency text,
        amount bigint,
        ending_balance bigint,
        metadata jsonb,
        created bigint
    )
$$;
comment on function staging.customer_balance_transaction(jsonb) is
'Typed columns of a customer balance transaction document of any API version.';

create view staging.customer_balance_transaction as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as customer_balance_transaction_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.customer_balance_transaction(latest.body) as document
where latest.object_type = 'customer_balance_transaction';
comment on view staging.customer_balance_transaction is
'Grain: one row per customer balance transaction, in its latest state.';
comment on column staging.customer_balance_transaction.account_id is 'Stripe account (acct_...).';
comment on column staging.customer_balance_transaction.livemode is 'False for test data.';
comment on column staging.customer_balance_transaction.customer_balance_transaction_id is 'Stripe id (cbtxn_...).';
comment on column staging.customer_balance_transaction.customer_id is 'Customer whose balance it changes.';
comment on column staging.customer_balance_transaction.invoice_id is 'Invoice that it was applied to or came from.';
comment on column staging.customer_balance_transaction.credit_note_id is 'Credit note that it came from.';
comment on column staging.customer_balance_transaction.checkout_session_id is 'Checkout session that it came from.';
comment on column staging.customer_balance_transaction.transaction_type is
'adjustment, applied_to_invoice, credit_note, initial, ...';
comment on column staging.customer_balance_transaction.description is 'Description for your own eyes.';
comment on column staging.customer_balance_transaction.currency is 'Currency, ISO 4217, lower case.';
comment on column staging.customer_balance_transaction.amount_minor is
'Change of the balance, minor units: negative is credit for the customer.';
comment on column staging.customer_balance_transaction.ending_balance_minor is
'Balance after it, minor units: negative is credit for the customer.';
comment on column staging.customer_balance_transaction.metadata is 'The metadata that your own code put on the object.';
comment on column staging.customer_balance_transaction.created_at is 'When it was created in Stripe.';
comment on column staging.customer_balance_transaction.deleted_at is
'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.customer_balance_transaction.version_at is 'Second of the version that this row shows.';
