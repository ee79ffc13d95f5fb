/* Check: no more than order_contradictions_allowed attributes contradict the event before them. Layer: load. */
with reached as (
    select
        account_id,
        livemode,
        max(through) as through
    from ops.watermark
    group by account_id, livemode
),

recent as (
    select contradiction.*
    from ops.event_order_contradiction as contradiction
    left join reached using (account_id, livemode)
    where contradiction.event_at > coalesce(reached.through, now()) - interval '30 days'
),

-- Between the two, events of the object may have been lost, or were: what they changed is no disorder.
excused as (
    select
        recent.account_id,
        recent.livemode,
        recent.event_id
    from recent
    inner join ops.gap as gap using (account_id, livemode)
    where
        gap.gap_from < recent.event_at
        and gap.gap_to > recent.event_before_at
        -- what a run had failed to read, a later one has read
        and (gap.kind = 'expired' or gap.closed_at is null)
    union
    -- Stripe showed a state, in that second, which no event had told
    select
        recent.account_id,
        recent.livemode,
        recent.event_id
    from recent
    inner join ops.reconciliation as found using (account_id, livemode, object_type, object_id)
    where
        found.reason in ('stale', 'never_seen')
        and found.observed_at - interval '1 second' < recent.event_at
        and found.observed_at + interval '1 second' > recent.event_before_at
)

select
    recent.account_id,
    recent.livemode,
    count(*) as failing,
    coalesce(
        (select value from ops.policy where name = 'order_contradictions_allowed'), '20'
    )::bigint as allowed,
    count(distinct recent.event_id) as events,
    mode() within group (order by recent.object_type || '.' || recent.key) as most_frequent,
    min(recent.event_id) as first_event_id
from recent
left join excused using (account_id, livemode, event_id)
where excused.event_id is null
group by recent.account_id, recent.livemode
