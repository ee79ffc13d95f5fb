/* The documents that ops.find_erased has found, redacted: the one place where raw rows of Stripe's change. */
create function ops.erase_documents(p_into bigint default null) returns table (relation text, row_count bigint)
language plpgsql
as $$
declare
    -- No model has read what is not released, and it is not before this is committed (ops.release_batches): it stays in
    -- its batch, which comes to the models together with that of the rest.
    unread bigint[] := array(select coming.batch_id from ops.unreleased_batch as coming);
begin
    update raw.event as e
    set
        payload = case
            when r.is_theirs
                then ops.redacted_event(e.payload, ops.mentioned(e.account_id, e.livemode, e.payload))
            else e.payload
        end,
        -- it may quote a value
        unreadable = case
            when not r.is_theirs then e.unreadable
            when e.unreadable is not null then 'It could not be read, and was erased.'
        end,
        batch_id = case when e.batch_id = any(unread) then e.batch_id else coalesce(p_into, e.batch_id) end
    from erased_row as r
    where
        r.source = 'event'
        and e.account_id = r.account_id
        and e.livemode = r.livemode
        and e.created_at = r.row_at
        and e.event_id = r.row_id;

    update raw.object as o
    set
        payload = case
            when r.is_theirs
                then ops.redacted_parts(o.payload, ops.mentioned(o.account_id, o.livemode, o.payload))
            else o.payload
        end,
        unreadable = case
            when not r.is_theirs then o.unreadable
            when o.unreadable is not null then 'It could not be read, and was erased.'
        end,
        batch_id = case when o.batch_id = any(unread) then o.batch_id else coalesce(p_into, o.batch_id) end
    from erased_row as r
    where
        r.source = 'object'
        and o.account_id = r.account_id
        and o.livemode = r.livemode
        and o.object_type = r.object_type
        and o.object_id = r.row_id
        and o.observed_at = r.row_at;

    if p_into is not null then
        -- What is asked for in their name goes by the key that brought them; '' is their account's own.
        update ops.batch as b
        set requested_via = (
            select nullif(min(coalesce(nullif(coalesce(was.requested_via, was.account_id), b.account_id), '')), '')
            from erased_row as r
            inner join ops.batch as was on r.batch_id = was.batch_id
        )
        where b.batch_id = p_into;
        -- the raw layer holds nothing more of these
        update ops.erased_object as o
        set batch_id = p_into
        from ops.batch as b
        where
            b.batch_id = p_into
            and o.account_id = b.account_id
            and o.livemode = b.livemode
            and o.batch_id is null;
    end if;
    return query select * from ops.count_found();
end
$$;
comment on function ops.erase_documents(bigint) is
'Redacts the rows in erased_row, and returns how many of which table. p_into: batch into which those are moved that '
'models may have read, to be read again; it goes by the key that brought them.';
