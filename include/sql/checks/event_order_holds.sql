/* Check: no more than order_contradictions_allowed attributes contradict the event before them. Layer: load. */
with recent as (
    select contradiction.*
    from ops.event_order_contradiction as contradiction
    where
        contradiction.event_at > (
            select coalesce(max(w.through), now()) - interval '30 days'
            from ops.watermark as w
            where w.account_id = contradiction.account_id and w.livemode = contradiction.livemode
        )
        -- Between the two, events of the object may have been lost, or were: what they changed is no disorder.
        and not exists (
            select 1
            from (
                select
                    gap.gap_from as lost_from,
                    gap.gap_to as lost_to
                from ops.gap as gap
                where
                    gap.account_id = contradiction.account_id
                    and gap.livemode = contradiction.livemode
                    -- what a run had failed to read, a later one has read
                    and (gap.kind = 'expired' or gap.closed_at is null)
                union all
                -- Stripe showed a state, in that second, which no event had told
                select
                    found.observed_at - interval '1 second',
                    found.observed_at + interval '1 second'
                from ops.reconciliation as found
                where
                    found.account_id = contradiction.account_id
                    and found.livemode = contradiction.livemode
                    and found.object_type = contradiction.object_type
                    and found.object_id = contradiction.object_id
                    and found.reason in ('stale', 'never_seen')
            ) as lost
            inner join raw.event as earlier on lost.lost_to > earlier.created_at
            where
                lost.lost_from < contradiction.event_at
                and earlier.account_id = contradiction.account_id
                and earlier.livemode = contradiction.livemode
                and earlier.object_type = contradiction.object_type
                and earlier.object_id = contradiction.object_id
                and earlier.event_id = contradiction.event_before_id
        )
)

select
    account_id,
    livemode,
    count(*) as failing,
    coalesce(
        (select value from ops.policy where name = 'order_contradictions_allowed'), '20'
    )::bigint as allowed,
    count(distinct event_id) as events,
    mode() within group (order by object_type || '.' || key) as most_frequent,
    min(event_id) as first_event_id
from recent
group by account_id, livemode
