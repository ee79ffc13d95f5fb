/* Reads a payment method, or the card or source that stood for it in older shapes. */
create function staging.payment_method(body jsonb) returns table (
    payment_method_id text,
    customer_id text,
    payment_method_type text,
    brand text,
    last4 text,
    funding text,
    country_code text,
    wallet_type text,
    fingerprint text,
    exp_month integer,
    exp_year integer,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(r.customer),
        case when r.object in ('card', 'bank_account') then r.object else r.type end,
        -- cards and sources spell it for people to read
        case lower(coalesce(d.brand, r.brand, case when r.object = 'card' then r.type end))
            when 'american express' then 'amex'
            when 'diners club' then 'diners'
            else lower(coalesce(d.brand, r.brand, case when r.object = 'card' then r.type end))
        end,
        coalesce(d.last4, r.last4),
        coalesce(d.funding, r.funding),
        coalesce(d.country, r.country),
        coalesce(d.wallet ->> 'type', r.tokenization_method),
        coalesce(d.fingerprint, r.fingerprint),
        -- a card is part of charges: a month that is none must not keep out the money
        substring(coalesce(d.exp_month, r.exp_month) from '^[0-9]{1,4}$')::integer,
        substring(coalesce(d.exp_year, r.exp_year) from '^[0-9]{1,4}$')::integer,
        to_timestamp(r.created)
    -- unpacked once: each operator on a stored document unpacks the whole of it
    from (select body || '{}' as unpacked offset 0) as whole
    cross join lateral jsonb_to_record(whole.unpacked) as r (
        id text,
        customer jsonb,
        object text,
        type text,
        brand text,
        last4 text,
        funding text,
        country text,
        tokenization_method text,
        fingerprint text,
        exp_month text,
        exp_year text,
        created bigint
    )
    -- details of a type are under a key of its name: {"type": "sepa_debit", "sepa_debit": {...}}
    cross join lateral jsonb_to_record(
        case when jsonb_typeof(whole.unpacked -> r.type) = 'object' then whole.unpacked -> r.type else '{}' end
    ) as d (
        brand text,
        last4 text,
        funding text,
        country text,
        wallet jsonb,
        fingerprint text,
        exp_month text,
        exp_year text
    )
$$;
comment on function staging.payment_method(jsonb) is
'Typed columns of a payment method, card or source; also of a charge''s payment_method_details, which have no id.';
