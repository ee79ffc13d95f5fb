/* Grain: one row per view of schema staging that shows one kind of object. What only they read is tried here. */
select ops.begin_model('staging_view');

select ops.end_model(coalesce(sum(ops.read_pending(object_type, reading)), 0)::bigint, 0) from ops.staging_view;
