/* The installs of erased users, in files and in the table: address and device go, and of an id that is one the text. */
create function ops.erase_installs(p_in bigint default null) returns table (
    relation text,
    row_count bigint
)
language plpgsql
as $$
begin
    update raw.file_row as r
    set
        row_key = array[ops.erased_user_id(r.row_key[1])] || r.row_key[2:],
        payload = r.payload - '{ip_address,device_id}'::text[]
        || jsonb_build_object('user_id', ops.erased_user_id(r.payload ->> 'user_id'))
    where
        r.file_kind = 'install'
        and (p_in is null or r.batch_id = p_in)
        and ops.user_hash(r.payload ->> 'user_id') in (select u.user_hash from ops.erased_user as u);
    get diagnostics row_count = row_count;
    relation := 'raw.file_row';
    return next;

    -- lines of CSV: as above, nothing can be picked
    update raw.rejected as r
    set reason = 'It could not be staged or read, and was erased.', payload = ''
    from ops.file as f
    where
        f.batch_id = r.batch_id
        and f.file_kind = 'install'
        and (p_in is null or r.batch_id = p_in)
        and exists (
            select from regexp_split_to_table(r.payload, '[",\r\n]+') as cell
            where ops.user_hash(trim(cell)) in (select u.user_hash from ops.erased_user as u)
        );
    get diagnostics row_count = row_count;
    relation := 'raw.rejected';
    return next;

    if p_in is null then
        update dwh.user_first_install_fact as f
        set user_id = ops.erased_user_id(f.user_id), device_id = null, ip_address = null
        where ops.user_hash(f.user_id) in (select u.user_hash from ops.erased_user as u);
        get diagnostics row_count = row_count;
        relation := 'dwh.user_first_install_fact';
        return next;
    end if;
end
$$;
comment on function ops.erase_installs(bigint) is
'Takes address and device out of the installs of the users in ops.erased_user, and returns how many rows of which '
'table. p_in: only those of that batch.';
