/* The event that told how an object was at the end of a second. */
create function staging.event_of(
    p_account_id text, p_livemode boolean, p_object_type text, p_object_id text, p_at timestamptz
) returns text
language sql
stable parallel safe
as $$
    select event.event_id
    from raw.event as event
    where
        event.account_id = p_account_id
        and event.livemode = p_livemode
        and event.object_type = p_object_type
        and event.object_id = p_object_id
        and event.created_at = p_at
        and event.unreadable is null
        and not exists (select 1 from ops.unreleased_batch as coming where coming.batch_id = event.batch_id)
    order by event.listing_order desc, event.event_id desc
    limit 1
$$;
comment on function staging.event_of(text, boolean, text, text, timestamptz) is
'Id of the last event about an object in the second p_at, of those that are released (see ops.unreleased_batch); null '
'when there was none.';
