/* What is staged by now is for the load that begins; what comes during it is for the next one. */
create function ops.release_batches() returns bigint
language sql
as $$
    -- whoever holds this has a load of its own, whose models are to see one history
    select pg_advisory_xact_lock(hashtextextended('ops.release', 0));
    -- an erasure that goes on is either seen whole, with the batch that it makes, or waits
    select pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0));
    with released as (
        update ops.batch set released_at = clock_timestamp() where released_at is null returning batch_id
    )

    select count(*) from released
$$;
comment on function ops.release_batches() is
'Lets the models see and apply every batch that is staged by now; returns how many were not released before. Waits for '
'who holds the advisory lock ops.release, and for an erasure that is not committed.';
