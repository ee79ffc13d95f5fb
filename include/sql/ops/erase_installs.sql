/* The installs of erased users, in files and in dims and facts: what tells who they are goes, figures stay. */
create function ops.erase_installs(p_in bigint default null) returns table (
    relation text,
    row_count bigint
)
language plpgsql
as $$
declare
    users text[];
    clients bigint[];
    target text;
begin
    perform ops.find_erased_installs(p_in);
    return query select * from ops.count_installs();

    update raw.file_row as r
    set
        row_key = array[ops.user_hash(r.row_key[1])] || r.row_key[2:],
        payload = ops.erased_install(r.payload)
    from erased_install_row as e
    where r.batch_id = e.batch_id and r.line = e.line;
    if p_in is not null then
        return;
    end if;

    -- Models go by the rows of files that are pending, and these have been applied: so what they made of them follows
    -- here, beside the rebuild that may be going on too. (Whoever calls this holds the locks of these models.)
    select
        array_agg(distinct e.user_id) || array_agg(distinct ops.shown_user_id(e.user_id)),
        array_agg(distinct e.client_sk)
    into users, clients
    from erased_install_row as e;
    foreach target in array '{dwh,dwh_rebuild}'::text[] loop
        if to_regclass(target || '.user_first_install_fact') is null then
            continue;
        end if;
        execute format(
            $sql$
            insert into %1$I.client_dim (client_sk, os_name, app_name, app_version)
            select distinct
                staging.client_sk(c.os_name, c.app_name, c.app_version, null), c.os_name, c.app_name, c.app_version
            from %1$I.client_dim as c
            where c.client_sk = any($1) and c.device_name is not null
            on conflict (client_sk) do nothing
            $sql$,
            target
        )
        using clients;
        execute format(
            $sql$
            update %1$I.user_first_install_fact as f
            set
                user_id = ops.user_hash(f.user_id),
                device_id = ops.erased_install(
                    jsonb_build_object('user_id', f.user_id, 'device_id', f.device_id)
                ) ->> 'device_id',
                client_sk = coalesce(
                    (
                        select staging.client_sk(c.os_name, c.app_name, c.app_version, null)
                        from %1$I.client_dim as c
                        where c.client_sk = f.client_sk
                    ),
                    f.client_sk
                ),
                ip_address = null
            where f.user_id = any($1)
            $sql$,
            target
        )
        using users;
        -- a device that nobody names any more may have had its owner's name
        execute format(
            $sql$
            delete from %1$I.client_dim as c
            where
                c.client_sk = any($1)
                and c.device_name is not null
                and not exists (
                    select from raw.file_row as r
                    where
                        r.file_kind = any('{client,install}')
                        and r.payload ->> 'device_name' = c.device_name
                        -- of its parts some have another name there
                        and staging.client_sk(
                            r.payload ->> 'os_name', r.payload ->> 'app_name', r.payload ->> 'app_version',
                            r.payload ->> 'device_name'
                        ) = c.client_sk
                )
            $sql$,
            target
        )
        using clients;
    end loop;
    update ops.erased_user as u set is_pending = false where u.is_pending;
end
$$;
comment on function ops.erase_installs(bigint) is
'Takes what tells who somebody is out of the installs of the users in ops.erased_user not looked for yet, and '
'returns how many rows of which table. p_in: only those of that batch, of all users.';
