/* Check: a model has applied every batch that was there when it last began. Layer: load. */
select m.model, b.batch_id, b.source, b.object_type, b.committed_at, r.began_at
from string_to_table(current_setting('tallyhouse.models'), ',') as m (model)
cross join ops.batch as b
left join ops.last_run as r on m.model = r.relation
where
    -- a batch is dated just before its commit
    b.committed_at < coalesce(r.began_at, 'infinity') - interval '5 seconds'
    and not exists (
        select 1 from ops.batch_applied as a where a.model = m.model and a.batch_id = b.batch_id
    )
