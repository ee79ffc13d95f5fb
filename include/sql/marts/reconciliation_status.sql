/* Grain: one row per account, mode and kind of object. What the last second look at Stripe found. */
create view mart.reconciliation_status as
with last_run as (
    select distinct on (account_id, livemode, object_type)
        account_id,
        livemode,
        object_type,
        run_id
    from ops.reconciled_slice
    order by account_id asc, livemode asc, object_type asc, compared_at desc, reconciled_slice_id desc
),

slice as (
    select s.*
    from ops.reconciled_slice as s
    inner join last_run
        on
            s.account_id = last_run.account_id
            and s.livemode = last_run.livemode
            and s.object_type = last_run.object_type
            and s.run_id = last_run.run_id
),

reason as (
    select
        slice.reconciled_slice_id,
        count(*) filter (where r.reason = 'never_seen') as never_seen_differences,
        count(*) filter (where r.reason = 'stale') as stale_differences,
        count(*) filter (where r.reason = 'deleted') as deleted_differences,
        count(*) filter (where r.reason = 'unknown_shape') as unknown_shape_differences,
        count(*) filter (where r.reason = 'later_than_lag') as later_than_lag_differences,
        count(*) filter (where r.reason = 'unexplained') as unexplained_differences
    from slice
    inner join ops.reconciliation as r on slice.reconciled_slice_id = r.reconciled_slice_id
    group by slice.reconciled_slice_id
)

select
    slice.account_id,
    slice.livemode,
    slice.object_type,
    slice.run_id,
    sum(slice.listed_count)::bigint as listed_objects,
    sum(slice.difference_count)::bigint as differences,
    coalesce(sum(reason.never_seen_differences), 0)::bigint as never_seen_differences,
    coalesce(sum(reason.stale_differences), 0)::bigint as stale_differences,
    coalesce(sum(reason.deleted_differences), 0)::bigint as deleted_differences,
    coalesce(sum(reason.unknown_shape_differences), 0)::bigint as unknown_shape_differences,
    coalesce(sum(reason.later_than_lag_differences), 0)::bigint as later_than_lag_differences,
    coalesce(sum(reason.unexplained_differences), 0)::bigint as unexplained_differences,
    max(slice.compared_at) as compared_at
from slice
left join reason on slice.reconciled_slice_id = reason.reconciled_slice_id
group by slice.account_id, slice.livemode, slice.object_type, slice.run_id;

comment on view mart.reconciliation_status is
'Grain: one row per account, mode and kind of object. What the last comparison of the warehouse with Stripe found.';
comment on column mart.reconciliation_status.account_id is 'Stripe account (acct_...).';
comment on column mart.reconciliation_status.livemode is 'False for test data.';
comment on column mart.reconciliation_status.object_type is 'Kind of object.';
comment on column mart.reconciliation_status.run_id is 'Run that compared: <DAG>/<run in Airflow>.';
comment on column mart.reconciliation_status.listed_objects is 'Objects that Stripe showed.';
comment on column mart.reconciliation_status.differences is
'Objects of which the two told different things; what Stripe told was staged, and is in with the next load.';
comment on column mart.reconciliation_status.never_seen_differences is
'Of them, objects that no event or list had shown: an event was lost.';
comment on column mart.reconciliation_status.stale_differences is
'Objects of which Stripe lists a later state than the last that was seen: an event was lost.';
comment on column mart.reconciliation_status.deleted_differences is 'Objects that Stripe no longer has.';
comment on column mart.reconciliation_status.unknown_shape_differences is 'Objects that could not be read.';
comment on column mart.reconciliation_status.later_than_lag_differences is
'Objects that changed after the events that are loaded, or whose event came late: nothing is wrong.';
comment on column mart.reconciliation_status.unexplained_differences is
'Objects of which nothing explains it: run warehouse_rebuild, or find out.';
comment on column mart.reconciliation_status.compared_at is 'When the last of them was compared.';
