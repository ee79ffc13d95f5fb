/* Batches are counted once by whoever collects metrics, however often a run is cleared. */
alter table ops.batch add column measured_at timestamptz;
-- what is there was brought by an earlier release: its rows are no news
update ops.batch set measured_at = committed_at;
create index batch_unmeasured on ops.batch (batch_id) where measured_at is null;
comment on column ops.batch.measured_at is 'When it was told to Airflow''s metrics; null until then.';
