/* Grain: one row per invoice item, latest state; before it, how one is read, newest path first. */
create function staging.invoice_item(body jsonb) returns table (
    customer_id text,
    invoice_id text,
    subscription_id text,
    subscription_item_id text,
    price_id text,
    product_id text,
    test_clock_id text,
    description text,
    currency text,
    amount_minor bigint,
    unit_amount_minor numeric,
    quantity numeric,
    discounts jsonb,
    metadata jsonb,
    is_proration boolean,
    is_discountable boolean,
    created_at timestamptz,
    period_start_at timestamptz,
    period_end_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        staging.id_of(r.invoice),
        coalesce(
            staging.id_of(r.parent #> '{subscription_details,subscription}'),
            staging.id_of(r.subscription)
        ),
        coalesce(
            staging.id_of(r.parent #> '{subscription_details,subscription_item}'),
            staging.id_of(r.subscription_item)
        ),
        coalesce(
            staging.id_of(r.pricing #> '{price_details,price}'),
            staging.id_of(r.price),
            staging.id_of(r.plan)
        ),
        coalesce(
            staging.id_of(r.pricing #> '{price_details,product}'),
            staging.id_of(r.price -> 'product'),
            staging.id_of(r.plan -> 'product')
        ),
        staging.id_of(r.test_clock),
        r.description,
        lower(r.currency),
        r.amount,
        coalesce(
            (r.pricing ->> 'unit_amount_decimal')::numeric,
            r.unit_amount_decimal,
            r.unit_amount,
            (r.price ->> 'unit_amount_decimal')::numeric,
            (r.plan ->> 'amount_decimal')::numeric,
            (r.plan ->> 'amount')::numeric
        ),
        coalesce(r.quantity_decimal, r.quantity),
        staging.discounts_of(r.discounts, null),
        r.metadata,
        coalesce(r.proration, false),
        r.discountable,
        to_timestamp(r.date),
        to_timestamp((r.period ->> 'start')::bigint),
        to_timestamp((r.period ->> 'end')::bigint)
    from jsonb_to_record(body) as r (
        customer jsonb,
        invoice jsonb,
        parent jsonb,
        subscription jsonb,
        subscription_item jsonb,
        pricing jsonb,
        price jsonb,
        plan jsonb,
        test_clock jsonb,
        description text,
        currency text,
        amount bigint,
        unit_amount_decimal numeric,
        unit_amount numeric,
        quantity_decimal numeric,
        quantity numeric,
        discounts jsonb,
        metadata jsonb,
        proration boolean,
        discountable boolean,
        date bigint,
        period jsonb
    )
$$;
comment on function staging.invoice_item(jsonb) is 'Typed columns of an invoice item document of any API version.';

create view staging.invoice_item as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as invoice_item_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.invoice_item(latest.body) as document
where latest.object_type = 'invoiceitem';
comment on view staging.invoice_item is 'Grain: one row per invoice item, in its latest state.';
comment on column staging.invoice_item.account_id is 'Stripe account (acct_...).';
comment on column staging.invoice_item.livemode is 'False for test data.';
comment on column staging.invoice_item.invoice_item_id is 'Stripe id (ii_...).';
comment on column staging.invoice_item.customer_id is 'Customer who is billed.';
comment on column staging.invoice_item.invoice_id is 'Invoice that took it up; null while it waits.';
comment on column staging.invoice_item.subscription_id is 'Subscription whose next invoice takes it up.';
comment on column staging.invoice_item.subscription_item_id is 'Subscription item that was changed midway.';
comment on column staging.invoice_item.price_id is 'Price (or plan).';
comment on column staging.invoice_item.product_id is 'Product.';
comment on column staging.invoice_item.test_clock_id is 'Test clock that it lives on; null for real time.';
comment on column staging.invoice_item.description is 'What the customer reads.';
comment on column staging.invoice_item.currency is 'Currency, ISO 4217, lower case.';
comment on column staging.invoice_item.amount_minor is 'Amount, minor units; negative for credit.';
comment on column staging.invoice_item.unit_amount_minor is 'Amount of one unit, minor units, maybe a fraction of one.';
comment on column staging.invoice_item.quantity is 'Units.';
comment on column staging.invoice_item.discounts is 'Discounts on this item: ids (see staging.discounts_of).';
comment on column staging.invoice_item.metadata is 'The metadata that your own code put on the object.';
comment on column staging.invoice_item.is_proration is 'Whether it corrects a period that was changed midway.';
comment on column staging.invoice_item.is_discountable is 'Whether discounts of the invoice apply to it.';
comment on column staging.invoice_item.created_at is 'When it was created in Stripe.';
comment on column staging.invoice_item.period_start_at is 'Start of the period that it bills.';
comment on column staging.invoice_item.period_end_at is 'End of the period that it bills.';
comment on column staging.invoice_item.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.invoice_item.version_at is 'Second of the version that this row shows.';
