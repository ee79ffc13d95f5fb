/* Grain: one row per object, in the latest state that Stripe showed of it. What the views of single kinds read. */
create view staging.latest_version as
-- keys are sorted alone: each document is fetched when it has been chosen
with latest as (
    select distinct on (account_id, livemode, object_type, object_id)
        account_id,
        livemode,
        object_type,
        object_id,
        min(version_at) filter (where version_rank >= 3) over object_history as deleted_at,
        version_at,
        version_rank,
        version_order
    from staging.object_version
    window object_history as (partition by account_id, livemode, object_type, object_id)
    order by
        account_id asc,
        livemode asc,
        object_type asc,
        object_id asc,
        -- a deletion is final, and a stub, which tells of nothing but a deletion, the least
        version_rank = 3 desc,
        version_rank <= 3 desc,
        version_at desc,
        version_rank desc,
        version_order desc
)

select
    latest.account_id,
    latest.livemode,
    latest.object_type,
    latest.object_id,
    latest.deleted_at,
    latest.version_at,
    version.body
from latest
cross join
    lateral (
        select own.body
        from
            staging.staged_versions_of_object(
                latest.account_id, latest.livemode, latest.object_type, latest.object_id, latest.version_at
            ) as own
        where
            own.version_at = latest.version_at
            and own.version_rank = latest.version_rank
            and own.version_order = latest.version_order
        limit 1
    ) as version;
comment on view staging.latest_version is
'Grain: one row per object, in its latest state, loaded or only staged; a deletion is final. Ask for one object_type.';
comment on column staging.latest_version.account_id is 'Stripe account (acct_...).';
comment on column staging.latest_version.livemode is 'False for test data.';
comment on column staging.latest_version.object_type is 'Kind of object, for example transfer.';
comment on column staging.latest_version.object_id is 'Stripe''s id of the object.';
comment on column staging.latest_version.deleted_at is 'When Stripe deleted the object; null while it exists. Final.';
comment on column staging.latest_version.version_at is 'Second of the version that this row shows.';
comment on column staging.latest_version.body is 'The object as JSON, in whatever API version it was rendered.';
