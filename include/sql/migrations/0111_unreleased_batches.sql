/* Every look at an object's history passes over what is not released: few batches, found at once. */
create index batch_unreleased on ops.batch (batch_id) where released_at is null and source <> 'erasure';
comment on column ops.batch.released_at is
'When a run of warehouse took it up; null until then. All its models apply the same batches, and see nothing of '
'others, whatever comes meanwhile.';
