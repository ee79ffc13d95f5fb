/* What could not be staged or read, and names an erased customer or user: text, which is searched word by word. */
create function ops.rejects_of_erased(p_in bigint default null) returns setof bigint
language sql
stable
as $$
    select r.rejected_id
    from raw.rejected as r
    where
        (p_in is null or r.batch_id = p_in)
        and (r.payload <> '' or r.user_id is not null)
        and (
            exists (
                -- of whichever account: what cannot be read does not tell, and is filed under that of the key
                select from string_to_table(r.payload, '"') as word
                inner join ops.erased_object as o on word = o.object_id and r.livemode = o.livemode
            )
            or ops.user_hash(r.user_id) in (select u.user_hash from ops.erased_user as u)
            or exists (
                -- what was kept before users were, and rows of which nobody can tell the user
                select from ops.file as f
                cross join regexp_split_to_table(r.payload, '[",\r\n]+') as cell
                where
                    f.batch_id = r.batch_id
                    and f.file_kind = 'install'
                    and r.user_id is null
                    and ops.user_hash(trim(cell)) in (select u.user_hash from ops.erased_user as u)
            )
        )
$$;
comment on function ops.rejects_of_erased(bigint) is
'Rows of raw.rejected that name an erased customer or user; p_in: only those of that batch.';
