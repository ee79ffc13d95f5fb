/* Check: no more updates than order_contradictions_allowed contradict the event before them. Layer: load. */
with recent as (
    select contradiction.*
    from ops.event_order_contradiction as contradiction
    where
        contradiction.event_at > (
            select coalesce(max(w.through), now()) - interval '30 days'
            from ops.watermark as w
            where w.account_id = contradiction.account_id and w.livemode = contradiction.livemode
        )
        -- Between the two, events of the object may have been lost: what they changed is no disorder.
        and not exists (
            select 1
            from ops.gap as gap
            inner join raw.event as earlier
                on
                    gap.account_id = earlier.account_id
                    and gap.livemode = earlier.livemode
                    and gap.gap_to > earlier.created_at
            where
                gap.account_id = contradiction.account_id
                and gap.livemode = contradiction.livemode
                and gap.gap_from < contradiction.event_at
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
        (select value from ops.policy where name = 'order_contradictions_allowed'), '0'
    )::bigint as allowed,
    count(distinct event_id) as events,
    mode() within group (order by object_type || '.' || key) as most_frequent,
    min(event_id) as first_event_id
from recent
group by account_id, livemode
