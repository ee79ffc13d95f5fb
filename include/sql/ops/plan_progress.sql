/* Grain: one row per run, account, mode and source that has a plan. How far the run is, and how long it will take. */
create view ops.plan_progress as
with counted as (
    select
        p.run_id,
        p.account_id,
        p.livemode,
        p.source,
        count(*) as planned_batches,
        count(p.batch_id) as done_batches,
        count(*) filter (where p.is_refused) as refused_batches,
        coalesce(sum(b.call_count), 0)::bigint as call_count,
        coalesce(sum(b.row_count), 0)::bigint as row_count,
        coalesce(sum(b.throttled_count), 0)::bigint as throttled_count,
        sum(p.estimated_calls) filter (where p.batch_id is not null) as estimated_done,
        sum(p.estimated_calls) filter (where p.batch_id is null and not p.is_refused) as estimated_left,
        -- windows of events have no estimate: the time that was read takes as long again as what is left
        sum(p.asked_to - p.asked_from) filter (where p.batch_id is not null) as stretch_done,
        sum(p.asked_to - p.asked_from) filter (where p.batch_id is null and not p.is_refused) as stretch_left,
        min(b.started_at) as began_at,
        max(b.committed_at) as last_committed_at
    from ops.planned_batch as p
    left join ops.batch as b on p.batch_id = b.batch_id
    group by p.run_id, p.account_id, p.livemode, p.source
),

recent as (
    -- a run that stood still for a night is as fast as it has been since it went on
    select
        c.run_id,
        c.account_id,
        c.livemode,
        c.source,
        sum(b.call_count)
        / nullif(extract(epoch from max(b.committed_at) - min(b.started_at)), 0) as calls_per_second
    from counted as c
    inner join ops.planned_batch as p
        on
            c.run_id = p.run_id
            and c.account_id = p.account_id
            and c.livemode = p.livemode
            and c.source = p.source
    inner join ops.batch as b
        on p.batch_id = b.batch_id and b.committed_at > c.last_committed_at - interval '10 minutes'
    group by c.run_id, c.account_id, c.livemode, c.source
)

select
    counted.run_id,
    counted.account_id,
    counted.livemode,
    counted.source,
    counted.planned_batches,
    counted.done_batches,
    counted.refused_batches,
    counted.call_count,
    counted.row_count,
    counted.throttled_count,
    recent.calls_per_second::float8 as calls_per_second,
    make_interval(
        secs => (
            coalesce(
                -- estimates, mended by how many requests the done ones took
                counted.estimated_left * counted.call_count::numeric / nullif(counted.estimated_done, 0),
                counted.call_count
                * extract(epoch from counted.stretch_left) / nullif(extract(epoch from counted.stretch_done), 0)
            ) / nullif(recent.calls_per_second, 0)
        )::float8
    ) as time_left,
    counted.began_at,
    counted.last_committed_at
from counted
left join recent using (run_id, account_id, livemode, source);

comment on view ops.plan_progress is
'Grain: one row per run, account, mode and source that has a plan. How far the run is, and how long it will take.';
comment on column ops.plan_progress.run_id is 'The run, as in ops.batch.';
comment on column ops.plan_progress.account_id is 'Stripe account (acct_...).';
comment on column ops.plan_progress.livemode is 'False for test data.';
comment on column ops.plan_progress.source is 'events, list or unlisted, as in ops.planned_batch.';
comment on column ops.plan_progress.planned_batches is 'Windows or slices that it means to read.';
comment on column ops.plan_progress.done_batches is 'Those that it has committed.';
comment on column ops.plan_progress.refused_batches is 'Those that the key may not read.';
comment on column ops.plan_progress.call_count is 'Requests that the committed ones took.';
comment on column ops.plan_progress.row_count is 'Rows that they brought, duplicates included.';
comment on column ops.plan_progress.throttled_count is 'Requests of them that were answered 429.';
comment on column ops.plan_progress.calls_per_second is
'Requests a second over the last ten minutes in which anything was committed; null until then.';
comment on column ops.plan_progress.time_left is 'Estimate of the time that the rest takes; null if none can be made.';
comment on column ops.plan_progress.began_at is 'When its first request was made.';
comment on column ops.plan_progress.last_committed_at is 'When it last committed a batch.';
