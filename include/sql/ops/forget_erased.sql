/* Rows of objects that were erased: a model makes them anew from all their documents, which come together. */
create function ops.forget_erased(p_model text) returns void
language plpgsql
as $$
declare
    target regclass := to_regclass(format('%I.%I', ops.model_schema(), p_model));
    key text;
begin
    -- Redaction changes no place in the order of versions, and the one that is there would win over its like: so it goes
    -- first, in the transaction that brings it back. Tables of other kinds are made anew for what is touched anyway.
    select quote_ident(a.attname)
    into key
    from pg_index as i
    inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey)
    where
        i.indrelid = target
        and i.indisprimary
        and a.attname <> all('{account_id,livemode}')
        and exists (select from pg_attribute as v where v.attrelid = target and v.attname = 'version_at');
    if key is not null then
        execute format(
            $sql$
            delete from %1$s as target
            using ops.erased_object as erased
            where
                erased.batch_id in (select batch_id from pending_batch)
                and target.account_id = erased.account_id
                and target.livemode = erased.livemode
                and target.%2$s = erased.object_id
            $sql$,
            target, key
        );
    end if;
end
$$;
comment on function ops.forget_erased(text) is
'Deletes from a model of latest states the rows of objects whose erasure is pending: its batch has all they need.';
