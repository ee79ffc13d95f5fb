/* What is sold, and what it costs. */
create table dwh.product_dim (
    account_id text not null,
    livemode boolean not null,
    product_id text not null,
    product_sk bigint not null,
    name text,
    description text,
    product_type text,
    unit_label text,
    default_price_id text,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, product_id, valid_from)
);
comment on table dwh.product_dim is 'Grain: one row per product and stretch of time in which nothing about it changed.';
comment on column dwh.product_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.product_dim.livemode is 'False for test data.';
comment on column dwh.product_dim.product_id is 'Stripe id (prod_...).';
comment on column dwh.product_dim.product_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.product_dim.name is 'Name that customers see.';
comment on column dwh.product_dim.description is 'Description.';
comment on column dwh.product_dim.product_type is 'service or good.';
comment on column dwh.product_dim.unit_label is 'What one unit is called.';
comment on column dwh.product_dim.default_price_id is 'Its default price.';
comment on column dwh.product_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.product_dim.is_active is 'Whether it can be bought.';
comment on column dwh.product_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.product_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.product_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.product_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.product_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';

create table dwh.price_dim (
    account_id text not null,
    livemode boolean not null,
    price_id text not null,
    price_sk bigint not null,
    product_id text,
    price_type text,
    currency text,
    billing_scheme text,
    tiers_mode text,
    interval_unit text,
    usage_type text,
    nickname text,
    lookup_key text,
    tax_behavior text,
    unit_amount_minor numeric,
    interval_count integer,
    tiers jsonb,
    transform_quantity jsonb,
    metadata jsonb,
    is_active boolean,
    created_at timestamptz,
    valid_from timestamptz not null,
    valid_to timestamptz,
    is_current boolean not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, price_id, valid_from)
);
comment on table dwh.price_dim is 'Grain: one row per price and stretch of time in which nothing about it changed.';
comment on column dwh.price_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.price_dim.livemode is 'False for test data.';
comment on column dwh.price_dim.price_id is 'Stripe id (price_..., or a name of your own).';
comment on column dwh.price_dim.price_sk is 'Surrogate key of this stretch of its history.';
comment on column dwh.price_dim.product_id is 'Product that it sells.';
comment on column dwh.price_dim.price_type is 'recurring or one_time.';
comment on column dwh.price_dim.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.price_dim.billing_scheme is 'per_unit or tiered.';
comment on column dwh.price_dim.tiers_mode is 'graduated or volume; null when not tiered.';
comment on column dwh.price_dim.interval_unit is 'day, week, month or year; null when not recurring.';
comment on column dwh.price_dim.usage_type is 'licensed or metered.';
comment on column dwh.price_dim.nickname is 'Name for your own eyes.';
comment on column dwh.price_dim.lookup_key is 'Key by which your code finds it.';
comment on column dwh.price_dim.tax_behavior is 'inclusive, exclusive or unspecified.';
comment on column dwh.price_dim.unit_amount_minor is
'Amount of one unit, minor units, maybe a fraction of one; null when tiered.';
comment on column dwh.price_dim.interval_count is 'Number of interval units in a period.';
comment on column dwh.price_dim.tiers is 'Tiers, where Stripe sent them.';
comment on column dwh.price_dim.transform_quantity is 'Division and rounding applied to the quantity.';
comment on column dwh.price_dim.metadata is 'The metadata that your own code put on the object.';
comment on column dwh.price_dim.is_active is 'Whether it can be bought.';
comment on column dwh.price_dim.created_at is 'When it was created in Stripe.';
comment on column dwh.price_dim.valid_from is 'Start of the stretch in which this row held, inclusive.';
comment on column dwh.price_dim.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column dwh.price_dim.is_current is 'Whether the stretch is open.';
comment on column dwh.price_dim.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
