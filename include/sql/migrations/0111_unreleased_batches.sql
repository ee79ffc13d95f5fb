/* Every look at an object's history passes over what is not released: few batches, found at once. */
create index batch_unreleased on ops.batch (batch_id) where released_at is null;
