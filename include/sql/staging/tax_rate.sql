/* Grain: one row per tax rate, latest state; before it, how one is read. */
create function staging.tax_rate(body jsonb) returns table (
    display_name text,
    description text,
    tax_type text,
    rate_type text,
    country_code text,
    state text,
    jurisdiction text,
    flat_currency text,
    percentage numeric,
    effective_percentage numeric,
    flat_amount_minor bigint,
    metadata jsonb,
    is_active boolean,
    is_inclusive boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.display_name,
        r.description,
        r.tax_type,
        coalesce(r.rate_type, case when r.percentage is not null then 'percentage' end),
        r.country,
        r.state,
        r.jurisdiction,
        lower(r.flat_amount ->> 'currency'),
        r.percentage,
        r.effective_percentage,
        (r.flat_amount ->> 'amount')::bigint,
        r.metadata,
        r.active,
        r.inclusive,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        display_name text,
        description text,
        tax_type text,
        rate_type text,
        country text,
        state text,
        jurisdiction text,
        flat_amount jsonb,
        percentage numeric,
        effective_percentage numeric,
        metadata jsonb,
        active boolean,
        inclusive boolean,
        created bigint
    )
$$;
comment on function staging.tax_rate(jsonb) is 'Typed columns of a tax rate document of any API version.';

create view staging.tax_rate as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as tax_rate_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.tax_rate(latest.body) as document
where latest.object_type = 'tax_rate';
comment on view staging.tax_rate is 'Grain: one row per tax rate, in its latest state.';
comment on column staging.tax_rate.account_id is 'Stripe account (acct_...).';
comment on column staging.tax_rate.livemode is 'False for test data.';
comment on column staging.tax_rate.tax_rate_id is 'Stripe id (txr_...).';
comment on column staging.tax_rate.display_name is 'Name that the customer reads.';
comment on column staging.tax_rate.description is 'Description for your own eyes.';
comment on column staging.tax_rate.tax_type is 'vat, gst, sales_tax, ...';
comment on column staging.tax_rate.rate_type is 'percentage or flat_amount.';
comment on column staging.tax_rate.country_code is 'Country, ISO 3166, two letters.';
comment on column staging.tax_rate.state is 'State or province, ISO 3166-2 without the country.';
comment on column staging.tax_rate.jurisdiction is 'Jurisdiction, as the invoice names it.';
comment on column staging.tax_rate.flat_currency is 'Currency of a flat amount, lower case.';
comment on column staging.tax_rate.percentage is 'The rate, in percent.';
comment on column staging.tax_rate.effective_percentage is
'The rate that applied where Stripe calculated the tax, in percent.';
comment on column staging.tax_rate.flat_amount_minor is 'A flat amount for each transaction, minor units.';
comment on column staging.tax_rate.metadata is 'The metadata that your own code put on the object.';
comment on column staging.tax_rate.is_active is 'Whether new objects can use it.';
comment on column staging.tax_rate.is_inclusive is 'Whether amounts include the tax already.';
comment on column staging.tax_rate.created_at is 'When it was created in Stripe.';
comment on column staging.tax_rate.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.tax_rate.version_at is 'Second of the version that this row shows.';
