/* What is staged by now is for the load that begins; what comes during it is for the next one. */
create function ops.release_batches() returns bigint
language sql
as $$
    with released as (
        update ops.batch set released_at = clock_timestamp() where released_at is null returning batch_id
    )

    select count(*) from released
$$;
comment on function ops.release_batches() is
'Lets the models apply every batch that is staged by now; returns how many were not released before.';
