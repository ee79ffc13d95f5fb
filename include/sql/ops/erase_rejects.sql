/* What could not be staged or read is text, of which nothing can be picked: of erased people it goes whole. */
create function ops.erase_rejects(p_in bigint default null) returns bigint
language plpgsql
as $$
declare
    erased bigint;
begin
    if p_in is not null then
        -- as ops.erase_arrived: it may be called before its batch ends
        perform pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0));
    end if;
    update raw.rejected as r
    set reason = 'It could not be staged or read, and was erased.', payload = '', user_id = null
    where r.rejected_id in (select ops.rejects_of_erased(p_in));
    get diagnostics erased = row_count;
    return erased;
end
$$;
comment on function ops.erase_rejects(bigint) is
'Empties the rows of raw.rejected that name an erased customer or user, and returns how many. p_in: only those of that '
'batch, no erasure meanwhile.';
