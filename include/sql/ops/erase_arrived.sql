/* What a batch brings of erased customers is redacted in its own transaction: nobody ever sees it. */
create function ops.erase_arrived(p_batch_id bigint) returns bigint
language plpgsql
as $$
declare
    redacted bigint := 0;
begin
    -- An erasure that goes on meanwhile either ends before this looks at its list, or begins after this has committed.
    perform pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0));
    if exists (select from ops.erased_object) or exists (select from ops.erased_user) then
        -- Of users that are new on the list other batches may have installs, and be ending now: the next load looks.
        perform ops.remember_erased_users(p_in => p_batch_id);
        perform ops.find_erased(null, null, p_in => p_batch_id);
        select sum(row_count) into redacted
        from (
            select row_count from ops.erase_documents()
            union all
            select row_count from ops.erase_installs(p_batch_id)
            union all
            select ops.erase_rejects(p_batch_id)
        ) as erased;
    end if;
    return redacted;
end
$$;
comment on function ops.erase_arrived(bigint) is
'Redacts the rows of a batch that belong to erased customers, in the transaction that writes the batch; returns how '
'many. Every batch ends with it (tallyhouse.ledger.close_batch).';
