/* The event that told how an object was at the end of a second. */
create function staging.event_of(
    p_account_id text, p_livemode boolean, p_object_type text, p_object_id text, p_at timestamptz
) returns text
language sql
stable parallel safe
as $$
    select event_id
    from raw.event
    where
        account_id = p_account_id
        and livemode = p_livemode
        and object_type = p_object_type
        and object_id = p_object_id
        and created_at = p_at
        and unreadable is null
        and batch_id not in (select coming.batch_id from ops.unreleased_batch as coming)
    order by listing_order desc, event_id desc
    limit 1
$$;
comment on function staging.event_of(text, boolean, text, text, timestamptz) is
'Id of the last event about an object in the second p_at; null when there was none.';
