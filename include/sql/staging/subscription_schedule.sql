/* Grain: one row per subscription schedule, latest state; before it, how one is read, newest path first. */
create function staging.subscription_schedule(body jsonb) returns table (
    customer_id text,
    subscription_id text,
    test_clock_id text,
    status text,
    end_behavior text,
    phase_count integer,
    phases jsonb,
    metadata jsonb,
    created_at timestamptz,
    current_phase_start_at timestamptz,
    current_phase_end_at timestamptz,
    canceled_at timestamptz,
    completed_at timestamptz,
    released_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        coalesce(staging.id_of(r.subscription), staging.id_of(r.released_subscription)),
        staging.id_of(r.test_clock),
        r.status,
        coalesce(r.end_behavior, r.renewal_behavior),
        jsonb_array_length(staging.list_items(r.phases)),
        staging.list_items(r.phases),
        r.metadata,
        to_timestamp(r.created),
        to_timestamp((r.current_phase ->> 'start_date')::bigint),
        to_timestamp((r.current_phase ->> 'end_date')::bigint),
        to_timestamp(r.canceled_at),
        to_timestamp(r.completed_at),
        to_timestamp(r.released_at)
    from jsonb_to_record(body) as r (
        customer jsonb,
        subscription jsonb,
        released_subscription jsonb,
        test_clock jsonb,
        status text,
        end_behavior text,
        renewal_behavior text,
        phases jsonb,
        current_phase jsonb,
        metadata jsonb,
        created bigint,
        canceled_at bigint,
        completed_at bigint,
        released_at bigint
    )
$$;
comment on function staging.subscription_schedule(jsonb) is
'Typed columns of a subscription schedule document of any API version.';

create view staging.subscription_schedule as
select
    latest.account_id,
    latest.livemode,
    latest.object_id as subscription_schedule_id,
    document.*,
    latest.deleted_at,
    latest.version_at
from staging.latest_version as latest
cross join lateral staging.subscription_schedule(latest.body) as document
where latest.object_type = 'subscription_schedule';
comment on view staging.subscription_schedule is 'Grain: one row per subscription schedule, in its latest state.';
comment on column staging.subscription_schedule.account_id is 'Stripe account (acct_...).';
comment on column staging.subscription_schedule.livemode is 'False for test data.';
comment on column staging.subscription_schedule.subscription_schedule_id is 'Stripe id (sub_sched_...).';
comment on column staging.subscription_schedule.customer_id is 'Customer who is to be subscribed.';
comment on column staging.subscription_schedule.subscription_id is
'Subscription that it drives, or drove until it was released.';
comment on column staging.subscription_schedule.test_clock_id is 'Test clock that it lives on; null for real time.';
comment on column staging.subscription_schedule.status is 'not_started, active, completed, released or canceled.';
comment on column staging.subscription_schedule.end_behavior is
'What becomes of the subscription at the end: release, cancel, ...';
comment on column staging.subscription_schedule.phase_count is 'Number of phases.';
comment on column staging.subscription_schedule.phases is 'The phases, with their items, a JSON array.';
comment on column staging.subscription_schedule.metadata is 'The metadata that your own code put on the object.';
comment on column staging.subscription_schedule.created_at is 'When it was created in Stripe.';
comment on column staging.subscription_schedule.current_phase_start_at is
'Start of the phase that is on; null before the first and after the last.';
comment on column staging.subscription_schedule.current_phase_end_at is 'End of the phase that is on.';
comment on column staging.subscription_schedule.canceled_at is 'When it was canceled.';
comment on column staging.subscription_schedule.completed_at is 'When its last phase ended.';
comment on column staging.subscription_schedule.released_at is 'When it let go of its subscription.';
comment on column staging.subscription_schedule.deleted_at is
'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.subscription_schedule.version_at is 'Second of the version that this row shows.';
