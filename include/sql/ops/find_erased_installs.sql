/* The installs of erased users, found by the hash of the user. */
create function ops.find_erased_installs(p_in bigint default null) returns void
language plpgsql
as $$
begin
    create temp table if not exists erased_install_row (
        batch_id bigint, line bigint, user_id text, client_sk bigint, primary key (batch_id, line)
    ) on commit drop;
    truncate erased_install_row;
    -- a batch that arrives is of all erased users; what is there has been looked through for all but the new ones
    insert into erased_install_row
    select
        r.batch_id, r.line, r.payload ->> 'user_id',
        staging.client_sk(
            r.payload ->> 'os_name', r.payload ->> 'app_name', r.payload ->> 'app_version', r.payload ->> 'device_name'
        )
    from raw.file_row as r
    where
        r.file_kind = 'install'
        and (p_in is null or r.batch_id = p_in)
        and ops.user_hash(r.payload ->> 'user_id') in (
            select u.user_hash from ops.erased_user as u where p_in is not null or u.is_pending
        );
    analyze erased_install_row;
end
$$;
comment on function ops.find_erased_installs(bigint) is
'Makes the temporary table erased_install_row: the key of each row of a file of installs that is of an erased user '
'not looked for yet, or of any and in that batch (p_in); with the user and the client as they are told there.';
