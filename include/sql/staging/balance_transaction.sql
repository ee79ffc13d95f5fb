/* Reads a balance transaction: as it was listed, or inside the object that it comes from. */
create function staging.balance_transaction(body jsonb) returns table (
    balance_transaction_id text,
    source_id text,
    balance_transaction_type text,
    reporting_category text,
    balance_type text,
    status text,
    description text,
    currency text,
    amount_minor bigint,
    fee_minor bigint,
    net_minor bigint,
    exchange_rate numeric,
    fee_details jsonb,
    created_at timestamptz,
    available_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(r.source),
        r.type,
        r.reporting_category,
        r.balance_type,
        r.status,
        r.description,
        lower(r.currency),
        r.amount,
        r.fee,
        r.net,
        r.exchange_rate,
        r.fee_details,
        to_timestamp(r.created),
        to_timestamp(r.available_on)
    from jsonb_to_record(body) as r (
        id text,
        source jsonb,
        type text,
        reporting_category text,
        balance_type text,
        status text,
        description text,
        currency text,
        amount bigint,
        fee bigint,
        net bigint,
        exchange_rate numeric,
        fee_details jsonb,
        created bigint,
        available_on bigint
    )
$$;
comment on function staging.balance_transaction(jsonb) is
'Typed columns of a balance transaction of any API version; amounts in minor units of the balance.';
