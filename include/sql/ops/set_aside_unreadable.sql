/* One document that cannot be read must not hold up all others: it is marked, kept and reported. */
create function ops.set_aside_unreadable(p_model text) returns table (
    object_type text, object_id text, reason text
)
language plpgsql
as $$
begin
    -- An erasure either ends before this reads what it copies, or begins when the copies are there to be found.
    perform pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0));
    return query
    with pending as (
        select b.batch_id from ops.pending_batches(p_model) as b
    ),

    odd_event as materialized (
        select
            e.account_id, e.livemode, e.event_id, e.created_at, e.object_type, e.object_id, e.batch_id, e.payload,
            ops.unreadable_reason(e.object_type, e.payload #> '{data,object}') as problem
        from raw.event as e
        where e.batch_id in (select batch_id from pending) and e.unreadable is null
    ),

    odd_object as materialized (
        select
            o.account_id, o.livemode, o.observed_at, o.object_type, o.object_id, o.batch_id, o.payload,
            ops.unreadable_reason(o.object_type, o.payload) as problem
        from raw.object as o
        where o.batch_id in (select batch_id from pending) and o.unreadable is null
    ),

    marked_event as (
        update raw.event as e
        set unreadable = odd_event.problem
        from odd_event
        where
            odd_event.problem is not null
            and e.account_id = odd_event.account_id
            and e.livemode = odd_event.livemode
            and e.event_id = odd_event.event_id
            and e.created_at = odd_event.created_at
    ),

    marked_object as (
        update raw.object as o
        set unreadable = odd_object.problem
        from odd_object
        where
            odd_object.problem is not null
            and o.account_id = odd_object.account_id
            and o.livemode = odd_object.livemode
            and o.object_type = odd_object.object_type
            and o.object_id = odd_object.object_id
            and o.observed_at = odd_object.observed_at
    ),

    kept as (
        insert into raw.rejected (account_id, livemode, source, row_key, reason, payload, batch_id)
        select account_id, livemode, 'events', event_id, problem, payload::text, batch_id
        from odd_event
        where problem is not null
        union all
        select account_id, livemode, 'list:' || odd_object.object_type, odd_object.object_id, problem, payload::text,
            batch_id
        from odd_object
        where problem is not null
        on conflict do nothing
    )

    select odd_event.object_type, odd_event.object_id, odd_event.problem
    from odd_event
    where problem is not null
    union all
    select odd_object.object_type, odd_object.object_id, odd_object.problem
    from odd_object
    where problem is not null;
end
$$;
comment on function ops.set_aside_unreadable(text) is
'Marks what cannot be read in the batches pending for a model (by its name in the ledger), keeps it in raw.rejected, '
'and returns it.';
