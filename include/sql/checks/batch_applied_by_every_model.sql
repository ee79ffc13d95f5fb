/* Check: every model has applied every batch that was released to them. Layer: load. */
select m.model, b.batch_id, b.source, b.object_type, b.committed_at, b.released_at
from string_to_table(current_setting('tallyhouse.models'), ',') as m (model)
cross join lateral ops.pending_batches(m.model) as pending
inner join ops.batch as b on pending.batch_id = b.batch_id
