/* Grain: one row per dispute or inquiry, latest state. Payments that customers called back through their bank. */
select ops.begin_model('dispute_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as dispute_id,
    staging.date_sk(dispute.created_at) as date_sk,
    dispute.charge_id,
    dispute.payment_intent_id,
    dispute.status,
    dispute.reason,
    dispute.network_reason_code,
    dispute.currency,
    dispute.amount_minor,
    dispute.withdrawn_minor,
    dispute.reinstated_minor,
    dispute.fee_minor,
    dispute.submission_count,
    dispute.metadata,
    dispute.is_inquiry,
    dispute.is_charge_refundable,
    dispute.has_evidence,
    dispute.created_at,
    dispute.evidence_due_at,
    dispute.withdrawn_at,
    -- the oldest shapes tell that it was won, not when the money came back
    coalesce(dispute.reinstated_at, case when dispute.reinstated_minor > 0 then version.version_at end)
        as reinstated_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'dispute') as version
cross join lateral staging.dispute(version.body) as dispute;

select ops.apply_latest();
