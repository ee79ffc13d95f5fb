/* Grain: one row per charge that Stripe listed or the warehouse holds. Compared: what money it moved, and whose. */
with listed_state as (
    select
        listed.object_id,
        listed.observed_at,
        jsonb_build_object(
            'customer_id', charge.customer_id,
            'status', charge.status,
            'currency', charge.currency,
            'amount_minor', charge.amount_minor,
            'amount_captured_minor', charge.amount_captured_minor,
            'amount_refunded_minor', charge.amount_refunded_minor,
            'is_captured', charge.is_captured
        ) as state
    from listed
    cross join lateral staging.charge(listed.payload) as charge
),

held_state as (
    select
        charge_fact.charge_id as object_id,
        charge_fact.version_at,
        jsonb_build_object(
            'customer_id', charge_fact.customer_id,
            'status', charge_fact.status,
            'currency', charge_fact.currency,
            'amount_minor', charge_fact.amount_minor,
            'amount_captured_minor', charge_fact.amount_captured_minor,
            'amount_refunded_minor', charge_fact.amount_refunded_minor,
            'is_captured', charge_fact.is_captured
        ) as state
    from asked
    inner join dwh.charge_fact
        on asked.account_id = charge_fact.account_id and asked.livemode = charge_fact.livemode
    where
        charge_fact.version_rank <> 3
        and (
            (charge_fact.created_at >= asked.created_from and charge_fact.created_at < asked.created_to)
            or exists (select 1 from listed where listed.object_id = charge_fact.charge_id)
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
