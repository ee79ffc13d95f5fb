/* Grain: one row per batch that no load has taken up. What came in it is not there for models and checks. */
create view ops.unreleased_batch as
select batch_id
from ops.batch
-- what an erasure moves was there before, and stays there
where released_at is null and source <> 'erasure';
comment on view ops.unreleased_batch is
'Grain: one row per batch that is staged and waits for the next load. Models pass over what came in it: all of a load '
'see the same history, whatever is staged meanwhile, and so do the checks behind it. Rows of a batch that is not in '
'ops.batch count as released.';
comment on column ops.unreleased_batch.batch_id is 'See ops.batch.batch_id.';
