/* What could not be staged or read, and names an erased customer or user: text, which is searched word by word. */
create function ops.rejects_of_erased(p_in bigint default null) returns setof bigint
language sql
stable
as $$
    select r.rejected_id
    from raw.rejected as r
    where
        (p_in is null or r.batch_id = p_in)
        and r.payload <> ''
        and (
            exists (
                select from string_to_table(r.payload, '"') as word
                inner join ops.erased_object as o
                    on r.account_id = o.account_id and r.livemode = o.livemode and word = o.object_id
            )
            or exists (
                select from ops.file as f
                cross join regexp_split_to_table(r.payload, '[",\r\n]+') as cell
                where
                    f.batch_id = r.batch_id
                    and f.file_kind = 'install'
                    and ops.user_hash(trim(cell)) in (select u.user_hash from ops.erased_user as u)
            )
        )
$$;
comment on function ops.rejects_of_erased(bigint) is
'Rows of raw.rejected that name an erased customer or user; p_in: only those of that batch.';
