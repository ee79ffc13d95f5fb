/* Reads a customer, in every shape, newest path first. */
create function staging.customer(body jsonb) returns table (
    name text,
    email text,
    description text,
    currency text,
    country_code text,
    balance_minor bigint,
    default_payment_method_id text,
    tax_exempt text,
    test_clock_id text,
    discounts jsonb,
    metadata jsonb,
    is_delinquent boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.name,
        r.email,
        r.description,
        lower(r.currency),
        r.address ->> 'country',
        coalesce(r.balance, r.account_balance),
        coalesce(
            staging.id_of(r.invoice_settings -> 'default_payment_method'),
            staging.id_of(r.default_source),
            staging.id_of(r.default_card),
            staging.id_of(r.active_card)
        ),
        r.tax_exempt,
        staging.id_of(r.test_clock),
        staging.discounts_of(null, r.discount),
        r.metadata,
        r.delinquent,
        to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        name text,
        email text,
        description text,
        currency text,
        address jsonb,
        balance bigint,
        account_balance bigint,
        invoice_settings jsonb,
        default_source jsonb,
        default_card jsonb,
        active_card jsonb,
        tax_exempt text,
        test_clock jsonb,
        discount jsonb,
        metadata jsonb,
        delinquent boolean,
        created bigint
    )
$$;
comment on function staging.customer(jsonb) is 'Typed columns of a customer document of any API version.';
