/* Grain: one row per refund, latest state. What was given back. */
select ops.begin_model('refund_fact');

create temp table incoming on commit drop as
with document as (
    select account_id, livemode, version_at, version_rank, version_order, null as charge_id, body
    from pending_batch
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'refund')
    union all
    -- before 2022-11-15 a charge carried its refunds, and they had no events of their own
    select
        v.account_id,
        v.livemode,
        v.version_at,
        -- two lists of one instant: the refund's own tells more
        case when v.source = 'list' then -2 else v.version_rank end::smallint as version_rank,
        v.version_order,
        v.object_id as charge_id,
        element as body
    from pending_batch
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'charge') as v
    cross join lateral jsonb_array_elements(staging.list_items(v.body -> 'refunds')) as element
)

select
    document.account_id,
    document.livemode,
    refund.refund_id,
    staging.date_sk(refund.created_at) as date_sk,
    coalesce(refund.charge_id, document.charge_id) as charge_id,
    refund.payment_intent_id,
    refund.balance_transaction_id,
    refund.status,
    refund.currency,
    refund.reason,
    refund.failure_reason,
    refund.amount_minor,
    refund.created_at,
    document.version_at,
    document.version_rank,
    document.version_order
from document
cross join lateral staging.refund(document.body) as refund;

select ops.apply_latest();
