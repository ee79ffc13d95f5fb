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
)

select
    account_id,
    livemode,
    count(*) as failing,
    coalesce(
        (select value from ops.policy where name = 'order_contradictions_allowed'), '1000'
    )::bigint as allowed,
    count(distinct event_id) as events,
    mode() within group (order by object_type || '.' || key) as most_frequent,
    min(event_id) as first_event_id
from recent
group by account_id, livemode
