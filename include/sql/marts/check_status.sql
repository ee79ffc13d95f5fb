/* Grain: one row per check. What came of it when its layer was checked last. */
create view mart.check_status as
with recursive newest as (
    -- from one layer to the next by the index, however many results there are
    (
        select
            layer,
            run_id
        from ops.check_result
        order by layer asc, checked_at desc
        limit 1
    )
    union all
    select following.*
    from newest
    cross join lateral (
        select
            r.layer,
            r.run_id
        from ops.check_result as r
        where r.layer > newest.layer
        order by r.layer asc, r.checked_at desc
        limit 1
    ) as following
)

-- a task that was cleared has checked twice; what no run checks any more is of no release of today
select distinct on (r.check_name)
    r.check_name,
    r.layer,
    r.run_id,
    r.status,
    r.failing_count,
    r.threshold,
    jsonb_path_query_array(r.sample, '$[0 to 4]') as first_rows,
    r.checked_at
from newest
inner join ops.check_result as r on newest.layer = r.layer and newest.run_id = r.run_id
order by r.check_name asc, r.checked_at desc;

comment on view mart.check_status is
'Grain: one row per check. What came of it when its layer was checked last; none that was removed since.';
comment on column mart.check_status.check_name is 'Name of the check: its file in include/sql/checks says the rule.';
comment on column mart.check_status.layer is
'What it is run after: load and dwh after tables are loaded, mart after the views are refreshed.';
comment on column mart.check_status.run_id is 'Run in Airflow that made it; its log shows the first rows.';
comment on column mart.check_status.status is
'passed; warned: rows were found, but no more than are allowed; failed.';
comment on column mart.check_status.failing_count is 'What breaks the rule: rows, or what the rows count.';
comment on column mart.check_status.threshold is 'How much of it is allowed.';
comment on column mart.check_status.first_rows is
'The first five rows that were found, as JSON: keys, counts and amounts.';
comment on column mart.check_status.checked_at is 'When it ran.';
