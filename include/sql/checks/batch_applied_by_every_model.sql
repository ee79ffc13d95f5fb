/* Check: every batch committed before the run began has been applied by every model. Layer: dwh. */
select b.batch_id, b.source, b.object_type, b.committed_at, m.model
from ops.batch as b
cross join (
    select relname::text as model
    from pg_class
    where relnamespace = 'dwh'::regnamespace and relkind = 'r'
) as m
where
    b.committed_at < current_setting('tallyhouse.run_started_at')::timestamptz
    and not exists (
        select 1 from ops.batch_applied as a where a.model = m.model and a.batch_id = b.batch_id
    )
