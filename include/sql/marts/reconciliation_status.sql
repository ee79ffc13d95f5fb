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

compared as (
    select
        s.account_id,
        s.livemode,
        s.object_type,
        s.run_id,
        sum(s.listed_count)::bigint as listed_objects,
        sum(s.difference_count)::bigint as differences,
        max(s.compared_at) as compared_at
    from ops.reconciled_slice as s
    inner join last_run
        on
            s.account_id = last_run.account_id
            and s.livemode = last_run.livemode
            and s.object_type = last_run.object_type
            and s.run_id = last_run.run_id
    group by s.account_id, s.livemode, s.object_type, s.run_id
),

unexplained as (
    select
        s.account_id,
        s.livemode,
        s.object_type,
        s.run_id,
        count(*) as differences
    from ops.reconciliation as r
    inner join ops.reconciled_slice as s on r.reconciled_slice_id = s.reconciled_slice_id
    where r.reason = 'unexplained'
    group by s.account_id, s.livemode, s.object_type, s.run_id
)

select
    compared.account_id,
    compared.livemode,
    compared.object_type,
    compared.run_id,
    compared.listed_objects,
    compared.differences,
    coalesce(unexplained.differences, 0) as unexplained_differences,
    compared.compared_at
from compared
left join unexplained
    on
        compared.account_id = unexplained.account_id
        and compared.livemode = unexplained.livemode
        and compared.object_type = unexplained.object_type
        and compared.run_id = unexplained.run_id;

comment on view mart.reconciliation_status is
'Grain: one row per account, mode and kind of object. What the last comparison of the warehouse with Stripe found.';
comment on column mart.reconciliation_status.account_id is 'Stripe account (acct_...).';
comment on column mart.reconciliation_status.livemode is 'False for test data.';
comment on column mart.reconciliation_status.object_type is 'Kind of object.';
comment on column mart.reconciliation_status.run_id is 'Run that compared: <DAG>/<run in Airflow>.';
comment on column mart.reconciliation_status.listed_objects is 'Objects that Stripe showed.';
comment on column mart.reconciliation_status.differences is
'Objects of which the two told different things; what Stripe told was staged, and is in with the next load.';
comment on column mart.reconciliation_status.unexplained_differences is
'Those that nothing explains: run warehouse_rebuild, or find out.';
comment on column mart.reconciliation_status.compared_at is 'When the last of them was compared.';
