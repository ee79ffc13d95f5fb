/* What is taken off prices. */
create table dwh.coupon_dim (
    account_id text not null,
    livemode boolean not null,
    coupon_id text not null,
    name text,
    duration text,
    currency text,
    percent_off numeric,
    amount_off_minor bigint,
    duration_in_months integer,
    max_redemptions bigint,
    times_redeemed bigint,
    currency_options jsonb,
    applies_to_product_ids text[],
    metadata jsonb,
    is_valid boolean,
    created_at timestamptz,
    redeem_by_at timestamptz,
    deleted_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, coupon_id)
);
comment on table dwh.coupon_dim is 'Grain: one row per coupon, in its latest state.';
comment on column dwh.coupon_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.coupon_dim.livemode is 'False for test data.';
comment on column dwh.coupon_dim.coupon_id is 'Stripe id; often a name of your own.';
comment on column dwh.coupon_dim.name is 'Name that customers see.';
comment on column dwh.coupon_dim.duration is 'once, repeating or forever.';
comment on column dwh.coupon_dim.currency is 'Currency of amount_off_minor.';
comment on column dwh.coupon_dim.percent_off is 'Percent taken off (25.5 is 25.5 %); null when an amount is.';
comment on column dwh.coupon_dim.amount_off_minor is 'Amount taken off, minor units; null when a percentage is.';
comment on column dwh.coupon_dim.duration_in_months is 'Months that it lasts (repeating).';
comment on column dwh.coupon_dim.max_redemptions is 'How often it can be redeemed; null without limit.';
comment on column dwh.coupon_dim.times_redeemed is 'How often it has been redeemed.';
comment on column dwh.coupon_dim.currency_options is
'Amounts off in other currencies: {currency: {amount_off}}. Lists tell it, events do not.';
comment on column dwh.coupon_dim.applies_to_product_ids is
'Products that it is limited to; null for all. Lists tell it, events do not.';
comment on column dwh.coupon_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.coupon_dim.is_valid is 'Whether it can still be redeemed.';
comment on column dwh.coupon_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.coupon_dim.redeem_by_at is 'When it can be redeemed last.';
comment on column dwh.coupon_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column dwh.coupon_dim.version_at is 'Second of the version that this row shows.';
comment on column dwh.coupon_dim.version_rank is 'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.coupon_dim.version_order is 'Order of that version inside its second and rank.';

create table dwh.discount_dim (
    account_id text not null,
    livemode boolean not null,
    discount_id text not null,
    coupon_id text,
    promotion_code_id text,
    customer_id text,
    subscription_id text,
    subscription_item_id text,
    invoice_id text,
    invoice_item_id text,
    checkout_session_id text,
    duration text,
    currency text,
    percent_off numeric,
    amount_off_minor bigint,
    duration_in_months integer,
    started_at timestamptz,
    ended_at timestamptz,
    deleted_at timestamptz,
    version_at timestamptz not null,
    version_rank smallint not null,
    version_order bigint not null,
    primary key (account_id, livemode, discount_id)
);
create index discount_dim_customer_id on dwh.discount_dim (account_id, livemode, customer_id);
create index discount_dim_subscription_id on dwh.discount_dim (account_id, livemode, subscription_id);
create index discount_dim_coupon_id on dwh.discount_dim (account_id, livemode, coupon_id);
comment on table dwh.discount_dim is
'Grain: one row per discount, in its latest state. Discounts before they had ids are in subscription_dim.discounts.';
comment on column dwh.discount_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.discount_dim.livemode is 'False for test data.';
comment on column dwh.discount_dim.discount_id is 'Stripe id (di_...).';
comment on column dwh.discount_dim.coupon_id is 'Coupon that it redeems.';
comment on column dwh.discount_dim.promotion_code_id is
'Promotion code that was entered; null when the coupon was given directly.';
comment on column dwh.discount_dim.customer_id is 'Customer who has it.';
comment on column dwh.discount_dim.subscription_id is
'Subscription that it is for; null when it is for all of a customers.';
comment on column dwh.discount_dim.subscription_item_id is
'Subscription item that it is for; null when it is not for one alone.';
comment on column dwh.discount_dim.invoice_id is 'Invoice that it is for; null when it is not for one alone.';
comment on column dwh.discount_dim.invoice_item_id is 'Invoice item that it is for; null when it is not for one alone.';
comment on column dwh.discount_dim.checkout_session_id is 'Checkout session in which it was given.';
comment on column dwh.discount_dim.duration is
'once, repeating or forever, of the coupon as it was embedded; null where it was only named.';
comment on column dwh.discount_dim.currency is 'Currency of amount_off_minor.';
comment on column dwh.discount_dim.percent_off is
'Percent taken off, of the coupon as it was embedded; null where it was only named.';
comment on column dwh.discount_dim.amount_off_minor is
'Amount taken off, minor units, of the coupon as it was embedded; null where it was only named.';
comment on column dwh.discount_dim.duration_in_months is
'Months that it lasts (repeating), of the coupon as it was embedded.';
comment on column dwh.discount_dim.started_at is 'When it began.';
comment on column dwh.discount_dim.ended_at is 'When it ends or ended by itself; null for one without an end.';
comment on column dwh.discount_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column dwh.discount_dim.version_at is 'Second of the version that this row shows.';
comment on column dwh.discount_dim.version_rank is
'Rank of that version inside its second; see staging.object_version.';
comment on column dwh.discount_dim.version_order is 'Order of that version inside its second and rank.';
