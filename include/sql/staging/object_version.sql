/* Grain: one row per version of an object that Stripe showed us, in an event or in a list. The one history. */
create view staging.object_version as
select
    account_id,
    livemode,
    object_type,
    object_id,
    created_at as version_at,
    staging.event_rank(type) as version_rank,
    listing_order as version_order,
    'event' as source,
    batch_id,
    payload #> '{data,object}' as body
from raw.event
where object_id is not null and unreadable is null
union all
select
    account_id,
    livemode,
    object_type,
    object_id,
    -- a list is read at some moment of its second: an event of that second holds the same state or a newer one
    date_trunc('second', observed_at) as version_at,
    case when is_deleted then 4 else -1 end::smallint as version_rank,
    extract(microseconds from observed_at)::bigint % 1000000 as version_order,
    'list' as source,
    batch_id,
    payload as body
from raw.object
where unreadable is null;
comment on view staging.object_version is
'Grain: one row per version of an object, from events and lists. Order: version_at, version_rank, version_order.';
comment on column staging.object_version.account_id is 'Stripe account (acct_...).';
comment on column staging.object_version.livemode is 'False for test data.';
comment on column staging.object_version.object_type is 'Kind of object, for example charge.';
comment on column staging.object_version.object_id is 'Stripe''s id of the object.';
comment on column staging.object_version.version_at is 'Second from which this state is known to hold.';
comment on column staging.object_version.version_rank is
'In a second: -3 told by invoices, -2 inside another, -1 listed, 0 created, 1 updated, 2 ended, 3 deleted, 4 a stub.';
comment on column staging.object_version.version_order is
'Order inside a second and rank: place in Stripe''s own listing, or microsecond of a list.';
comment on column staging.object_version.source is 'event or list.';
comment on column staging.object_version.batch_id is 'Batch that brought it.';
comment on column staging.object_version.body is 'The object as JSON, in whatever API version it was rendered.';
