/* Which users of the app the erased customers are, by their metadata; asked before that is emptied. */
create function ops.remember_erased_users(p_in bigint default null) returns bigint
language plpgsql
as $$
declare
    added bigint;
    user_key text := ops.choice('user_id_metadata_key');
begin
    insert into ops.erased_user (user_hash, erasure_id)
    select ops.user_hash(told.user_id), min(told.erasure_id)
    from (
        select v.body -> 'metadata' ->> user_key as user_id, o.erasure_id
        from ops.erased_object as o
        inner join staging.versions_in_batch(p_in, 'customer') as v using (account_id, livemode, object_id)
        union all
        select v.body -> 'metadata' ->> user_key, e.erasure_id
        from ops.erasure as e
        cross join lateral staging.versions_of_object(e.account_id, e.livemode, 'customer', e.customer_id) as v
        where p_in is null
    ) as told
    where told.user_id <> '' and told.user_id not like 'sha256:%'
    group by told.user_id
    order by 1
    on conflict do nothing;
    get diagnostics added = row_count;
    return added;
end
$$;
comment on function ops.remember_erased_users(bigint) is
'Adds the users of the app that the customers in ops.erased_object name to ops.erased_user; returns how many are new.';
