/* Grain: one row per thing that documents lack and no load has brought: not answered, not loaded yet, or gone. */
create view ops.enrichment_awaited as
select q.account_id, q.livemode, q.kind, q.object_id, q.attempts, q.fetched_at, q.gone
from ops.enrichment as q
where
    q.gone
    or q.fetched_at is null
    or q.fetched_at < q.wanted_at
    or (
        q.batch_id is not null
        and not exists (
            select 1 from ops.batch_applied as a where a.model = 'enrichment' and a.batch_id = q.batch_id
        )
    );
comment on view ops.enrichment_awaited is
'Grain: one row per row of ops.enrichment whose answer no load has brought: Stripe has not answered, or says that it '
'does not exist, or the batch of its answer is still to be loaded.';
comment on column ops.enrichment_awaited.account_id is 'See ops.enrichment.account_id.';
comment on column ops.enrichment_awaited.livemode is 'See ops.enrichment.livemode.';
comment on column ops.enrichment_awaited.kind is 'See ops.enrichment.kind.';
comment on column ops.enrichment_awaited.object_id is 'See ops.enrichment.object_id.';
comment on column ops.enrichment_awaited.attempts is 'See ops.enrichment.attempts.';
comment on column ops.enrichment_awaited.fetched_at is 'See ops.enrichment.fetched_at.';
comment on column ops.enrichment_awaited.gone is 'See ops.enrichment.gone.';
