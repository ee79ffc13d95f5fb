/* Grain: one row per materialized view of schema mart. How old its numbers are. */
create view mart.refresh_status as
select
    view.matviewname::text as mart,
    run.began_at as refreshed_at
from pg_matviews as view
left join ops.last_run as run on view.matviewname = run.relation
where view.schemaname = 'mart';

comment on view mart.refresh_status is
'Grain: one row per materialized view of schema mart. When it was refreshed last.';
comment on column mart.refresh_status.mart is 'Its name.';
comment on column mart.refresh_status.refreshed_at is
'When its last refresh began; null until then.';
