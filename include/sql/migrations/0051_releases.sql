/* Which batches the models may apply: those of one run are fixed as it begins. And in which batch an answer came. */
alter table ops.batch add column released_at timestamptz;
update ops.batch set released_at = committed_at;
comment on column ops.batch.released_at is
'When a run of warehouse took it up; null until then. All its models apply the same batches, whatever comes meanwhile.';

alter table ops.enrichment add column batch_id bigint;
comment on column ops.enrichment.batch_id is
'Batch that the last answer came in; null before it, and when the answer showed nothing new.';
