/* What a batch brings of erased customers is redacted in its own transaction: nobody ever sees it. */
create function ops.erase_arrived(p_batch_id bigint) returns bigint
language plpgsql
as $$
declare
    redacted bigint := 0;
begin
    -- An erasure that goes on meanwhile either ends before this looks at its list, or begins after this has committed.
    perform pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0));
    if exists (select from ops.erased_object) then
        -- new users of the app have installs in older files
        if ops.remember_erased_users(p_batch_id) > 0 then
            perform ops.erase_installs();
        end if;
        select sum(row_count) into redacted
        from (
            select row_count from ops.erase_documents(p_in => p_batch_id)
            union all
            select row_count from ops.erase_installs(p_batch_id)
        ) as erased;
    end if;
    return redacted;
end
$$;
comment on function ops.erase_arrived(bigint) is
'Redacts the rows of a batch that belong to erased customers, in the transaction that writes the batch; returns how '
'many. Every batch ends with it (tallyhouse.ledger.close_batch).';
