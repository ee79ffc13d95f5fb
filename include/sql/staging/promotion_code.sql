/* Grain: one row per promotion code, latest state; before it, how one is read, newest path first. */
create function staging.promotion_code(body jsonb) returns table (
    code text,
    coupon_id text,
    customer_id text,
    minimum_amount_currency text,
    minimum_amount_minor bigint,
    max_redemptions bigint,
    times_redeemed bigint,
    metadata jsonb,
    is_active boolean,
    is_first_purchase_only boolean,
    created_at timestamptz,
    expires_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.code,
        coalesce(staging.id_of(r.promotion -> 'coupon'), staging.id_of(r.coupon)),
        staging.id_of(r.customer),
        lower(r.restrictions ->> 'minimum_amount_currency'),
        (r.restrictions ->> 'minimum_amount')::bigint,
        r.max_redemptions,
        r.times_redeemed,
        r.metadata,
        r.active,
        (r.restrictions ->> 'first_time_transaction')::boolean,
        to_timestamp(r.created),
        to_timestamp(r.expires_at)
    from jsonb_to_record(body) as r (
        code text,
        promotion jsonb,
        coupon jsonb,
        customer jsonb,
        restrictions jsonb,
        max_redemptions bigint,
        times_redeemed bigint,
        metadata jsonb,
        active boolean,
        created bigint,
        expires_at bigint
    )
$$;
comment on function staging.promotion_code(jsonb) is 'Typed columns of a promotion code document of any API version.';

create view staging.promotion_code as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as promotion_code_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.promotion_code(latest.body) as document
where latest.object_type = 'promotion_code';
comment on view staging.promotion_code is 'Grain: one row per promotion code, in its latest state.';
comment on column staging.promotion_code.account_id is 'Stripe account (acct_...).';
comment on column staging.promotion_code.livemode is 'False for test data.';
comment on column staging.promotion_code.promotion_code_id is 'Stripe id (promo_...).';
comment on column staging.promotion_code.code is 'What the customer types in.';
comment on column staging.promotion_code.coupon_id is 'Coupon that it gives.';
comment on column staging.promotion_code.customer_id is 'The only customer who may use it; null for everybody.';
comment on column staging.promotion_code.minimum_amount_currency is 'Currency of the least amount, lower case.';
comment on column staging.promotion_code.minimum_amount_minor is
'Least amount of an order that may use it, minor units; null for any.';
comment on column staging.promotion_code.max_redemptions is 'How often it may be used; null for no limit.';
comment on column staging.promotion_code.times_redeemed is 'How often it was used.';
comment on column staging.promotion_code.metadata is 'The metadata that your own code put on the object.';
comment on column staging.promotion_code.is_active is 'Whether it can be used.';
comment on column staging.promotion_code.is_first_purchase_only is 'Whether it is for customers who never paid before.';
comment on column staging.promotion_code.created_at is 'When it was created in Stripe.';
comment on column staging.promotion_code.expires_at is 'When it can no longer be used; null for never.';
comment on column staging.promotion_code.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.promotion_code.version_at is 'Second of the version that this row shows.';
