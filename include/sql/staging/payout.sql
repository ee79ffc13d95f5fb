/* Reads a payout. Until 2017-04-06 payouts were transfers, with documents of that kind. */
create function staging.payout(body jsonb) returns table (
    payout_id text,
    balance_transaction_id text,
    failure_balance_transaction_id text,
    destination_id text,
    original_payout_id text,
    reversed_by_payout_id text,
    status text,
    currency text,
    method text,
    payout_type text,
    source_type text,
    reconciliation_status text,
    description text,
    statement_descriptor text,
    failure_code text,
    failure_message text,
    amount_minor bigint,
    balance_transactions jsonb,
    metadata jsonb,
    is_automatic boolean,
    created_at timestamptz,
    arrival_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(r.balance_transaction),
        staging.id_of(r.failure_balance_transaction),
        coalesce(
            staging.id_of(r.destination),
            staging.id_of(r.bank_account),
            staging.id_of(r.card),
            staging.id_of(r.account),
            staging.id_of(r.recipient)
        ),
        staging.id_of(r.original_payout),
        staging.id_of(r.reversed_by),
        r.status,
        lower(r.currency),
        r.method,
        r.type,
        r.source_type,
        r.reconciliation_status,
        r.description,
        r.statement_descriptor,
        r.failure_code,
        r.failure_message,
        r.amount,
        -- not of Stripe's: listed by the payout, and put into it (see ops.enrichment, payout_transactions)
        staging.list_items(r.balance_transactions),
        r.metadata,
        r.automatic,
        to_timestamp(coalesce(r.created, r.date)),
        to_timestamp(coalesce(r.arrival_date, r.date))
    from jsonb_to_record(body) as r (
        id text,
        balance_transaction jsonb,
        failure_balance_transaction jsonb,
        destination jsonb,
        bank_account jsonb,
        card jsonb,
        account jsonb,
        recipient jsonb,
        original_payout jsonb,
        reversed_by jsonb,
        status text,
        currency text,
        method text,
        type text,
        source_type text,
        reconciliation_status text,
        description text,
        statement_descriptor text,
        failure_code text,
        failure_message text,
        amount bigint,
        balance_transactions jsonb,
        metadata jsonb,
        automatic boolean,
        created bigint,
        arrival_date bigint,
        date bigint
    )
$$;
comment on function staging.payout(jsonb) is
'Typed columns of a payout document of any API version; amounts in minor units.';
