/* How the charges of a day were paid, as Stripe's own JSON told it. What the export writes; reads the raw layer. */
create function ops.charge_source(p_day date, p_is_personal boolean) returns table (
    account_id text,
    livemode boolean,
    charge_id text,
    customer_id text,
    payment_method_id text,
    event_id text,
    event_type text,
    api_version text,
    source jsonb,
    event_created_at timestamptz
)
language sql
stable
as $$
    with told as (
        -- keys are sorted alone: each document is fetched when it has been chosen
        select distinct on (e.account_id, e.livemode, e.object_id)
            e.account_id,
            e.livemode,
            e.created_at,
            e.event_id
        from raw.event as e
        inner join ops.reported_mode as mode on e.livemode = mode.livemode
        where
            e.object_type = 'charge'
            and e.object_id is not null
            and e.unreadable is null
            and e.created_at >= p_day::timestamp at time zone 'UTC'
            and e.created_at < (p_day + 1)::timestamp at time zone 'UTC'
        order by
            e.account_id asc,
            e.livemode asc,
            e.object_id asc,
            e.created_at desc,
            staging.event_rank(e.type) desc,
            e.listing_order desc
    )

    select
        e.account_id,
        e.livemode,
        e.object_id,
        charge.customer_id,
        charge.payment_method_id,
        e.event_id,
        e.type,
        e.api_version,
        case
            when p_is_personal or charge.payment_method is null then charge.payment_method
            else ops.redacted(charge.payment_method, 'charge', 'source')
        end,
        e.created_at
    from told
    inner join raw.event as e
        on
            told.account_id = e.account_id
            and told.livemode = e.livemode
            and told.created_at = e.created_at
            and told.event_id = e.event_id
    cross join lateral staging.charge(e.payload #> '{data,object}') as charge
$$;
comment on function ops.charge_source(date, boolean) is
'One row per charge of which an event of that UTC day told, by its last event of the day: payment_method_details, '
'source or card as they stand in it. Unless p_is_personal, only what ops.is_kept names.';
