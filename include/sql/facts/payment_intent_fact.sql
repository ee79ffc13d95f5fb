/* Grain: one row per payment intent, latest state. Every payment that was begun, and how far it came. */
select ops.begin_model('payment_intent_fact');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as payment_intent_id,
    staging.date_sk(payment_intent.created_at) as date_sk,
    payment_intent.customer_id,
    payment_intent.invoice_id,
    payment_intent.payment_method_id,
    payment_intent.latest_charge_id,
    payment_intent.status,
    payment_intent.currency,
    payment_intent.capture_method,
    payment_intent.confirmation_method,
    payment_intent.setup_future_usage,
    payment_intent.cancellation_reason,
    payment_intent.last_error_code,
    payment_intent.last_error_decline_code,
    payment_intent.last_error_message,
    payment_intent.amount_minor,
    payment_intent.amount_capturable_minor,
    payment_intent.amount_received_minor,
    payment_intent.application_fee_minor,
    payment_intent.metadata,
    payment_intent.created_at,
    payment_intent.canceled_at,
    version.version_at,
    version.version_rank,
    version.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'payment_intent') as version
cross join lateral staging.payment_intent(version.body) as payment_intent;

select ops.apply_latest(links => '{invoice_id}');
