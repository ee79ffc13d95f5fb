/* Grain: one row per update and attribute that contradicts the event before it. Whether events stand in their order. */
select ops.begin_model('event_order_contradiction');

create temp table arrived on commit drop as
select
    event.account_id,
    event.livemode,
    event.object_type,
    event.object_id,
    min(event.created_at) as first_at
from pending_batch
inner join raw.event as event using (batch_id)
where event.object_id is not null
group by event.account_id, event.livemode, event.object_type, event.object_id;
analyze arrived;

-- From the first event that came on, each object's events in their order; no document is opened yet.
create temp table told on commit drop as
select
    event.account_id,
    event.livemode,
    event.object_type,
    event.object_id,
    event.event_id,
    event.created_at,
    event.api_version,
    event.type like '%updated' as is_update,
    event.batch_id in (select batch_id from pending_batch) as is_new,
    row_number() over object_history = 1 as is_first,
    staging.event_rank(event.type) as version_rank,
    event.listing_order,
    lag(event.event_id) over object_history as before_id,
    lag(event.created_at) over object_history as before_at,
    lag(event.api_version) over object_history as before_version,
    lag(event.batch_id) over object_history as before_batch_id
from arrived
cross join
    lateral (
        select later.*
        from raw.event as later
        where
            later.account_id = arrived.account_id
            and later.livemode = arrived.livemode
            and later.object_type = arrived.object_type
            and later.object_id = arrived.object_id
            and later.created_at >= arrived.first_at
            and later.batch_id not in (select coming.batch_id from ops.unreleased_batch as coming)
        -- keeps the lookups apart from each other: object by object, in the months that can have them
        offset 0
    ) as event
window object_history as (
    partition by event.account_id, event.livemode, event.object_type, event.object_id
    order by event.created_at, staging.event_rank(event.type), event.listing_order
);

-- An update has to be judged when it came, and when the event before it came: late, between two that were there.
create temp table judged on commit drop as
select
    told.account_id, told.livemode, told.object_type, told.object_id, told.event_id, told.created_at,
    coalesce(told.before_id, earlier.event_id) as before_id,
    coalesce(told.before_at, earlier.created_at) as before_at,
    coalesce(told.before_version, earlier.api_version, '') = coalesce(told.api_version, '') as is_same_shape
from told
left join lateral (
    select event.event_id, event.created_at, event.api_version
    from raw.event as event
    where
        told.is_first
        and event.account_id = told.account_id
        and event.livemode = told.livemode
        and event.object_type = told.object_type
        and event.object_id = told.object_id
        and event.created_at < told.created_at
        and event.batch_id not in (select coming.batch_id from ops.unreleased_batch as coming)
    order by event.created_at desc, staging.event_rank(event.type) desc, event.listing_order desc
    limit 1
) as earlier on true
where told.is_update and (
    told.is_new
    or told.before_batch_id in (select batch_id from pending_batch)
);
analyze judged;

delete from ops.event_order_contradiction
using judged
where
    ops.event_order_contradiction.account_id = judged.account_id
    and ops.event_order_contradiction.livemode = judged.livemode
    and ops.event_order_contradiction.event_id = judged.event_id;

insert into ops.event_order_contradiction (
    account_id, livemode, object_type, object_id, event_id, event_at, event_before_id, event_before_at, key,
    expected, found
)
select
    judged.account_id, judged.livemode, judged.object_type, judged.object_id, judged.event_id, judged.created_at,
    judged.before_id, judged.before_at, contradiction.key, contradiction.expected, contradiction.found
from judged
-- looked up one by one, in the month of each: a join would read the payloads of whole months
cross join
    lateral (
        select event.payload #> '{data,previous_attributes}' as previous_attributes
        from raw.event as event
        where
            event.account_id = judged.account_id
            and event.livemode = judged.livemode
            and event.created_at = judged.created_at
            and event.event_id = judged.event_id
        offset 0
    ) as after
cross join
    lateral (
        select event.payload #> '{data,object}' as state
        from raw.event as event
        where
            event.account_id = judged.account_id
            and event.livemode = judged.livemode
            and event.created_at = judged.before_at
            and event.event_id = judged.before_id
        offset 0
    ) as before
cross join lateral ops.contradictions(after.previous_attributes, before.state) as contradiction
-- another API version may show the same state in another shape
where judged.is_same_shape;

select ops.end_model(
    (select count(*) from judged),
    (
        select count(*)
        from judged
        inner join ops.event_order_contradiction using (account_id, livemode, event_id)
    )
);
