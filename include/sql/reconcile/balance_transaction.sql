/* Grain: one row per balance transaction that Stripe listed or the warehouse holds. Compared: what never changes. */
with listed_state as (
    select
        listed.object_id,
        listed.observed_at,
        jsonb_build_object(
            'source_id', movement.source_id,
            'balance_transaction_type', movement.balance_transaction_type,
            'currency', movement.currency,
            'amount_minor', movement.amount_minor,
            'fee_minor', movement.fee_minor,
            'net_minor', movement.net_minor,
            'available_at', movement.available_at
        ) as state
    from listed
    cross join lateral staging.balance_transaction(listed.payload) as movement
),

held_state as (
    select
        balance_transaction_fact.balance_transaction_id as object_id,
        balance_transaction_fact.version_at,
        jsonb_build_object(
            'source_id', balance_transaction_fact.source_id,
            'balance_transaction_type', balance_transaction_fact.balance_transaction_type,
            'currency', balance_transaction_fact.currency,
            'amount_minor', balance_transaction_fact.amount_minor,
            'fee_minor', balance_transaction_fact.fee_minor,
            'net_minor', balance_transaction_fact.net_minor,
            'available_at', balance_transaction_fact.available_at
        ) as state
    from asked
    inner join dwh.balance_transaction_fact
        on asked.account_id = balance_transaction_fact.account_id and asked.livemode = balance_transaction_fact.livemode
    where
        balance_transaction_fact.version_rank <> 3
        and (
            (
                balance_transaction_fact.created_at >= asked.created_from
                and balance_transaction_fact.created_at < asked.created_to
            )
            or exists (select 1 from listed where listed.object_id = balance_transaction_fact.balance_transaction_id)
        )
),

final as (
    select
        object_id,
        listed_state.observed_at,
        held_state.version_at,
        listed_state.state as listed,
        held_state.state as held
    from listed_state
    full join held_state using (object_id)
)

select * from final
