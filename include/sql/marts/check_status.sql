/* Grain: one row per check. What came of it when it ran last. */
create view mart.check_status as
with recursive latest as (
    -- from one check to the next by the index, however many results there are
    (
        select *
        from ops.check_result
        order by check_name asc, checked_at desc
        limit 1
    )
    union all
    select following.*
    from latest
    cross join lateral (
        select *
        from ops.check_result as r
        where r.check_name > latest.check_name
        order by r.check_name asc, r.checked_at desc
        limit 1
    ) as following
)

select
    check_name,
    layer,
    run_id,
    status,
    failing_count,
    threshold,
    jsonb_path_query_array(sample, '$[0 to 4]') as first_rows,
    checked_at
from latest;

comment on view mart.check_status is 'Grain: one row per check. What came of it when it ran last.';
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
