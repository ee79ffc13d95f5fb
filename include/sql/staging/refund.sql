/* Reads a refund: its own document, or the one inside a charge of the older shapes. */
create function staging.refund(body jsonb) returns table (
    refund_id text,
    charge_id text,
    payment_intent_id text,
    balance_transaction_id text,
    status text,
    currency text,
    reason text,
    failure_reason text,
    amount_minor bigint,
    has_balance_transaction boolean,
    created_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        staging.id_of(r.charge),
        staging.id_of(r.payment_intent),
        staging.id_of(r.balance_transaction),
        -- refunds had no status in the oldest shapes: they had succeeded when they were there
        coalesce(r.status, 'succeeded'),
        lower(r.currency),
        r.reason,
        r.failure_reason,
        r.amount,
        -- a release of money that was only held touches no balance; null where the document does not tell
        case when whole.unpacked ? 'balance_transaction' then r.balance_transaction is not null end,
        to_timestamp(r.created)
    -- unpacked once: a record tells null from absent no more
    from (select body || '{}' as unpacked offset 0) as whole
    cross join lateral jsonb_to_record(whole.unpacked) as r (
        id text,
        charge jsonb,
        payment_intent jsonb,
        balance_transaction jsonb,
        status text,
        currency text,
        reason text,
        failure_reason text,
        amount bigint,
        created bigint
    )
$$;
comment on function staging.refund(jsonb) is 'Typed columns of a refund document of any API version.';
