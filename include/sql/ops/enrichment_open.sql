/* Grain: one row per thing that is to be fetched now. The queue without what a first backfill will bring anyway. */
create view ops.enrichment_open as
select q.*
from ops.enrichment as q
where
    not q.gone
    and (q.fetched_at is null or q.fetched_at < q.wanted_at)
    -- the next load will bring it
    and not exists (
        select 1
        from raw.object as coming
        where
            coming.account_id = q.account_id
            and coming.livemode = q.livemode
            and coming.object_type = q.kind
            and coming.object_id = q.object_id
            and coming.batch_id in (select unreleased.batch_id from ops.unreleased_batch as unreleased)
    )
    and (
        q.kind in (select known.kind from ops.enrichment_kind as known where known.awaits_list_of is null)
        or exists (
            select 1
            from ops.listed_kind as listed
            inner join ops.enrichment_kind as known on listed.object_type = known.awaits_list_of
            where
                q.kind = known.kind
                and listed.is_whole
                and listed.account_id = q.requested_via
                and listed.livemode = q.livemode
        )
    );
comment on view ops.enrichment_open is
'Grain: one row per row of ops.enrichment that is to be fetched now. Objects that are only named wait until their kind '
'has been listed once, and loaded (charges, for payment methods): before that, the backfill brings most of them. What '
'is staged already is not asked for.';
comment on column ops.enrichment_open.account_id is 'See ops.enrichment.account_id.';
comment on column ops.enrichment_open.livemode is 'See ops.enrichment.livemode.';
comment on column ops.enrichment_open.kind is 'See ops.enrichment.kind.';
comment on column ops.enrichment_open.object_id is 'See ops.enrichment.object_id.';
comment on column ops.enrichment_open.requested_via is 'See ops.enrichment.requested_via.';
comment on column ops.enrichment_open.wanted_at is 'See ops.enrichment.wanted_at.';
comment on column ops.enrichment_open.hint_at is 'See ops.enrichment.hint_at.';
comment on column ops.enrichment_open.tried_at is 'See ops.enrichment.tried_at.';
comment on column ops.enrichment_open.fetched_at is 'See ops.enrichment.fetched_at.';
comment on column ops.enrichment_open.attempts is 'See ops.enrichment.attempts.';
comment on column ops.enrichment_open.last_error is 'See ops.enrichment.last_error.';
comment on column ops.enrichment_open.gone is 'See ops.enrichment.gone.';
comment on column ops.enrichment_open.batch_id is 'See ops.enrichment.batch_id.';
