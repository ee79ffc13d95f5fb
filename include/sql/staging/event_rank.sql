/* Of one object's events in one second, which came first: what their types say for certain. */
create function staging.event_rank(event_type text) returns smallint
language sql
immutable parallel safe
as $$
    select case
        when event_type like '%.created' then 0
        -- a subscription that ends stays an object; whatever else is deleted is gone for good
        when event_type = 'customer.subscription.deleted' then 2
        when event_type like '%.deleted' then 3
        else 1
    end::smallint
$$;
comment on function staging.event_rank(text) is
'0 created, 1 updated, 2 ended, 3 deleted: the order of events of one object and second.';
