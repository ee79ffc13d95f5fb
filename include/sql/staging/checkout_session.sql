/* Grain: one row per checkout session, latest state; before it, how one is read. */
create function staging.checkout_session(body jsonb) returns table (
    customer_id text,
    client_reference_id text,
    payment_intent_id text,
    setup_intent_id text,
    subscription_id text,
    invoice_id text,
    payment_link_id text,
    recovered_from_id text,
    mode text,
    status text,
    payment_status text,
    customer_email text,
    currency text,
    amount_subtotal_minor bigint,
    amount_total_minor bigint,
    discount_minor bigint,
    shipping_minor bigint,
    tax_minor bigint,
    metadata jsonb,
    created_at timestamptz,
    expires_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        r.client_reference_id,
        staging.id_of(r.payment_intent),
        staging.id_of(r.setup_intent),
        staging.id_of(r.subscription),
        staging.id_of(r.invoice),
        staging.id_of(r.payment_link),
        staging.id_of(r.recovered_from),
        r.mode,
        r.status,
        r.payment_status,
        coalesce(r.customer_details ->> 'email', r.customer_email),
        lower(r.currency),
        r.amount_subtotal,
        r.amount_total,
        (r.total_details ->> 'amount_discount')::bigint,
        (r.total_details ->> 'amount_shipping')::bigint,
        (r.total_details ->> 'amount_tax')::bigint,
        r.metadata,
        to_timestamp(r.created),
        to_timestamp(r.expires_at)
    from jsonb_to_record(body) as r (
        customer jsonb,
        client_reference_id text,
        payment_intent jsonb,
        setup_intent jsonb,
        subscription jsonb,
        invoice jsonb,
        payment_link jsonb,
        recovered_from jsonb,
        mode text,
        status text,
        payment_status text,
        customer_details jsonb,
        customer_email text,
        currency text,
        amount_subtotal bigint,
        amount_total bigint,
        total_details jsonb,
        metadata jsonb,
        created bigint,
        expires_at bigint
    )
$$;
comment on function staging.checkout_session(jsonb) is
'Typed columns of a checkout session document of any API version.';

create view staging.checkout_session as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as checkout_session_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.checkout_session(latest.body) as document
where latest.object_type = 'checkout.session';
comment on view staging.checkout_session is 'Grain: one row per checkout session, in its latest state.';
comment on column staging.checkout_session.account_id is 'Stripe account (acct_...).';
comment on column staging.checkout_session.livemode is 'False for test data.';
comment on column staging.checkout_session.checkout_session_id is 'Stripe id (cs_...).';
comment on column staging.checkout_session.customer_id is 'Customer who checks out; null for a guest.';
comment on column staging.checkout_session.client_reference_id is
'Reference that your own code gave, for example a user or a cart.';
comment on column staging.checkout_session.payment_intent_id is 'Payment intent, in mode payment.';
comment on column staging.checkout_session.setup_intent_id is 'Setup intent, in mode setup.';
comment on column staging.checkout_session.subscription_id is 'Subscription, in mode subscription.';
comment on column staging.checkout_session.invoice_id is 'Invoice.';
comment on column staging.checkout_session.payment_link_id is 'Payment link that opened it.';
comment on column staging.checkout_session.recovered_from_id is 'Expired session that it takes up again.';
comment on column staging.checkout_session.mode is 'payment, setup or subscription.';
comment on column staging.checkout_session.status is 'open, complete or expired; null before it had one.';
comment on column staging.checkout_session.payment_status is 'paid, unpaid or no_payment_required.';
comment on column staging.checkout_session.customer_email is 'E-mail that the customer gave, or your code did.';
comment on column staging.checkout_session.currency is 'Currency, ISO 4217, lower case.';
comment on column staging.checkout_session.amount_subtotal_minor is 'Before discounts and taxes, minor units.';
comment on column staging.checkout_session.amount_total_minor is 'After discounts and taxes, minor units.';
comment on column staging.checkout_session.discount_minor is 'Discounts, minor units, positive.';
comment on column staging.checkout_session.shipping_minor is 'Shipping, minor units.';
comment on column staging.checkout_session.tax_minor is 'Taxes, minor units.';
comment on column staging.checkout_session.metadata is 'The metadata that your own code put on the object.';
comment on column staging.checkout_session.created_at is 'When it was created in Stripe.';
comment on column staging.checkout_session.expires_at is 'When it expires.';
comment on column staging.checkout_session.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.checkout_session.version_at is 'Second of the version that this row shows.';
