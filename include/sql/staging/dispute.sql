/* Reads a dispute, in every shape, and what it moved. */
create function staging.dispute(body jsonb) returns table (
    charge_id text,
    payment_intent_id text,
    status text,
    reason text,
    network_reason_code text,
    currency text,
    amount_minor bigint,
    withdrawn_minor bigint,
    reinstated_minor bigint,
    fee_minor bigint,
    submission_count integer,
    metadata jsonb,
    is_inquiry boolean,
    is_charge_refundable boolean,
    has_evidence boolean,
    created_at timestamptz,
    evidence_due_at timestamptz,
    withdrawn_at timestamptz,
    reinstated_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.charge),
        staging.id_of(r.payment_intent),
        r.status,
        r.reason,
        coalesce(r.payment_method_details #>> '{card,network_reason_code}', r.network_reason_code),
        lower(r.currency),
        r.amount,
        coalesce(
            case
                -- the balance may be in another currency than the charge
                when moved.withdrawn_at is not null and moved.is_same_currency then moved.withdrawn_minor
                when moved.withdrawn_at is not null or outcome.is_withdrawn then r.amount
            end,
            0
        ),
        coalesce(
            case
                when moved.reinstated_at is not null and moved.is_same_currency then moved.reinstated_minor
                when moved.reinstated_at is not null or outcome.is_withdrawn and r.status = 'won' then r.amount
            end,
            0
        ),
        moved.fee_minor,
        (r.evidence_details ->> 'submission_count')::integer,
        r.metadata,
        coalesce(starts_with(r.status, 'warning_'), false),
        r.is_charge_refundable,
        (r.evidence_details ->> 'has_evidence')::boolean,
        to_timestamp(r.created),
        to_timestamp(coalesce((r.evidence_details ->> 'due_by')::bigint, r.evidence_due_by)),
        coalesce(moved.withdrawn_at, case when outcome.is_withdrawn then to_timestamp(r.created) end),
        moved.reinstated_at
    from jsonb_to_record(body) as r (
        charge jsonb,
        payment_intent jsonb,
        status text,
        reason text,
        network_reason_code text,
        payment_method_details jsonb,
        currency text,
        amount bigint,
        balance_transactions jsonb,
        evidence_details jsonb,
        evidence_due_by bigint,
        metadata jsonb,
        is_charge_refundable boolean,
        created bigint
    )
    cross join lateral (
        select
            (-sum(b.amount_minor) filter (where b.amount_minor < 0))::bigint as withdrawn_minor,
            (sum(b.amount_minor) filter (where b.amount_minor > 0))::bigint as reinstated_minor,
            sum(b.fee_minor)::bigint as fee_minor,
            min(b.created_at) filter (where b.amount_minor < 0) as withdrawn_at,
            max(b.created_at) filter (where b.amount_minor > 0) as reinstated_at,
            bool_and(b.currency = lower(r.currency)) as is_same_currency
        from jsonb_array_elements(staging.list_items(r.balance_transactions)) as element
        cross join lateral staging.balance_transaction(element) as b
    ) as moved
    cross join lateral (
        -- Documents of 2013 do not list what moved: the money was gone once the dispute was there, and came back
        -- when it was won. Inquiries, and disputes prevented before they began, move nothing.
        select
            r.balance_transactions is null
            and not starts_with(r.status, 'warning_')
            and r.status <> 'prevented' as is_withdrawn
    ) as outcome
$$;
comment on function staging.dispute(jsonb) is
'Typed columns of a dispute document of any API version; amounts in minor units, without the fee.';
