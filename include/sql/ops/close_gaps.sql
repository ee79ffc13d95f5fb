/* Closes the gaps that are filled: re-listed, or read after all, and loaded by every model. */
create function ops.close_gaps(p_models text[])
returns table (account_id text, livemode boolean, gap_from timestamptz, gap_to timestamptz)
language plpgsql
as $$
#variable_conflict use_column
begin
    if cardinality(p_models) = 0 then
        raise exception 'without models, nothing can have been loaded';
    end if;
    -- A listing of everything, begun after the gap was found, of which every slice is in, and every answer about what
    -- it did not show: deletions.
    update ops.gap as g
    set relisted_at = listing.ended_at, relisted_by = listing.run_id
    from (
        select
            p.account_id,
            p.livemode,
            p.run_id,
            min(p.planned_at) as planned_at,
            max(b.committed_at) as ended_at
        from ops.planned_batch as p
        left join ops.batch as b on p.batch_id = b.batch_id
        -- what the key may not list, no listing brings: its run was red, and named it
        where p.source in ('list', 'unlisted') and p.is_everything and not p.is_refused
        group by p.account_id, p.livemode, p.run_id
        having count(*) = count(p.batch_id)
    ) as listing
    where
        g.kind = 'expired' and g.relisted_at is null
        and g.account_id = listing.account_id and g.livemode = listing.livemode
        and g.opened_at < listing.planned_at;

    return query
    update ops.gap as g
    set closed_at = clock_timestamp()
    where
        g.closed_at is null
        and (
            g.relisted_at is not null
            -- the watermark goes no farther than what was read without a hole
            or (
                g.kind = 'failed' and exists (
                    select from ops.watermark as w
                    where
                        w.account_id = g.account_id and w.livemode = g.livemode and w.stream = g.stream
                        and w.through >= g.gap_to
                )
            )
        )
        and not exists (
            select
            from ops.batch as b
            cross join unnest(p_models) as m (model)
            where
                b.account_id = g.account_id and b.livemode = g.livemode
                and (
                    b.run_id = g.relisted_by
                    or (b.source = g.stream and b.asked_from < g.gap_to and b.asked_to > g.gap_from)
                )
                and not exists (
                    select from ops.batch_applied as a where a.model = m.model and a.batch_id = b.batch_id
                )
        )
    returning g.account_id, g.livemode, g.gap_from, g.gap_to;
end
$$;
comment on function ops.close_gaps(text[]) is
'Marks gaps as re-listed, and closes those that are filled and loaded by all these models; returns the closed ones.';
