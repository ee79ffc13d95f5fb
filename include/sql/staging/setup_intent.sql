/* Grain: one row per setup intent, latest state; before it, how one is read. */
create function staging.setup_intent(body jsonb) returns table (
    customer_id text,
    payment_method_id text,
    latest_attempt_id text,
    mandate_id text,
    status text,
    usage text,
    cancellation_reason text,
    error_code text,
    decline_code text,
    description text,
    payment_method_types jsonb,
    metadata jsonb,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        staging.id_of(r.payment_method),
        staging.id_of(r.latest_attempt),
        coalesce(staging.id_of(r.mandate), staging.id_of(r.single_use_mandate)),
        r.status,
        r.usage,
        r.cancellation_reason,
        r.last_setup_error ->> 'code',
        r.last_setup_error ->> 'decline_code',
        r.description,
        r.payment_method_types,
        r.metadata,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        customer jsonb,
        payment_method jsonb,
        latest_attempt jsonb,
        mandate jsonb,
        single_use_mandate jsonb,
        status text,
        usage text,
        cancellation_reason text,
        last_setup_error jsonb,
        description text,
        payment_method_types jsonb,
        metadata jsonb,
        created bigint
    )
$$;
comment on function staging.setup_intent(jsonb) is 'Typed columns of a setup intent document of any API version.';

create view staging.setup_intent as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as setup_intent_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.setup_intent(latest.body) as document
where latest.object_type = 'setup_intent';
comment on view staging.setup_intent is 'Grain: one row per setup intent, in its latest state.';
comment on column staging.setup_intent.account_id is 'Stripe account (acct_...).';
comment on column staging.setup_intent.livemode is 'False for test data.';
comment on column staging.setup_intent.setup_intent_id is 'Stripe id (seti_...).';
comment on column staging.setup_intent.customer_id is 'Customer whose payment method is set up.';
comment on column staging.setup_intent.payment_method_id is 'Payment method that is set up.';
comment on column staging.setup_intent.latest_attempt_id is 'Latest attempt.';
comment on column staging.setup_intent.mandate_id is 'Permission that the customer gave.';
comment on column staging.setup_intent.status is
'requires_payment_method, requires_confirmation, requires_action, processing, succeeded or canceled.';
comment on column staging.setup_intent.usage is 'on_session or off_session.';
comment on column staging.setup_intent.cancellation_reason is 'abandoned, duplicate, requested_by_customer, ...';
comment on column staging.setup_intent.error_code is 'Why the last attempt failed.';
comment on column staging.setup_intent.decline_code is 'Why the bank declined it.';
comment on column staging.setup_intent.description is 'Description for your own eyes.';
comment on column staging.setup_intent.payment_method_types is
'Types of payment method that are allowed, a JSON array.';
comment on column staging.setup_intent.metadata is 'The metadata that your own code put on the object.';
comment on column staging.setup_intent.created_at is 'When it was created in Stripe.';
comment on column staging.setup_intent.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.setup_intent.version_at is 'Second of the version that this row shows.';
