/* Which users of the app the erased customers are, by their metadata; asked before that is emptied. */
create function ops.remember_erased_users(p_in bigint default null, p_erasure_id bigint default null) returns bigint
language plpgsql
as $$
declare
    added bigint;
    user_key text := ops.choice('user_id_metadata_key');
begin
    insert into ops.erased_user (user_hash, erasure_id)
    select ops.user_hash(told.user_id), min(told.erasure_id)
    from (
        select v.body -> 'metadata' ->> user_key as user_id, o.livemode, o.erasure_id
        from ops.erased_object as o
        inner join staging.versions_in_batch(p_in, 'customer') as v using (account_id, livemode, object_id)
        union all
        select v.body -> 'metadata' ->> user_key, e.livemode, e.erasure_id
        from ops.erasure as e
        cross join lateral staging.staged_versions_of_object(e.account_id, e.livemode, 'customer', e.customer_id) as v
        where e.erasure_id = p_erasure_id
    ) as told
    -- a customer that was made to try something out is nobody whose installs count
    inner join ops.reported_mode as mode on told.livemode = mode.livemode
    where
        told.user_id <> ''
        -- The installs are of another customer too: they go with the last one.
        and not exists (
            select from dwh.user_dim as u
            inner join ops.reported_mode as shown on u.livemode = shown.livemode
            where
                u.user_id in (told.user_id, ops.user_hash(told.user_id))
                and not exists (
                    select from ops.erased_object as o
                    where o.account_id = u.account_id and o.livemode = u.livemode and o.object_id = u.customer_id
                )
        )
    group by ops.user_hash(told.user_id)
    order by 1
    on conflict (user_hash) do update set erasure_id = excluded.erasure_id, is_pending = true
    -- of one that was erased before, all is looked through once more
    where p_erasure_id is not null;
    get diagnostics added = row_count;
    return added;
end
$$;
comment on function ops.remember_erased_users(bigint, bigint) is
'Adds to ops.erased_user the users of the app that erased customers name, in a batch (p_in) or in the whole history of '
'the customer of an erasure, where no other customer in a mode that is reported names them; returns how many.';
