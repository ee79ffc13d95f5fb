/* How far the data of an account reaches: its own, or that of the platform with whose events it is fetched. */
create function ops.account_reach(p_account_id text, p_livemode boolean) returns table (
    fetched_via text,
    data_through timestamptz
)
language sql
stable
as $$
    with fetched as (
        select coalesce(
            (
                select own.account_id
                from mart.freshness as own
                where own.account_id = p_account_id and own.livemode = p_livemode
            ),
            -- whose key brought its last event
            (
                select coalesce(batch.requested_via, batch.account_id)
                from (
                    select event.batch_id
                    from raw.event as event
                    where
                        event.account_id = p_account_id
                        and event.livemode = p_livemode
                        and not exists (
                            select 1 from ops.unreleased_batch as coming where coming.batch_id = event.batch_id
                        )
                    order by event.created_at desc, event.event_id desc
                    limit 1
                ) as last_event
                inner join ops.batch as batch on last_event.batch_id = batch.batch_id
            ),
            -- without events, whose key listed it
            (
                select max(batch.requested_via)
                from ops.batch as batch
                where batch.account_id = p_account_id and batch.livemode = p_livemode
            )
        ) as via
    )

    select
        fetched.via,
        -- of who was fetched by nobody that is known, no more than of anybody
        coalesce(known.data_through, (select min(every.data_through) from mart.freshness as every))
    from fetched
    left join mart.freshness as known on fetched.via = known.account_id and known.livemode = p_livemode
$$;
comment on function ops.account_reach(text, boolean) is
'data_through of an account, as in mart.freshness; of a connected account, that of the platform which fetched it '
'(fetched_via: the account itself, or the platform).';
