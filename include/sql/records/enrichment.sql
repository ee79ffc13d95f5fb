/* Grain: one row per thing that documents name or lack, and Stripe has to be asked for. What events leave out. */
select ops.begin_model(
    'enrichment',
    touching => (
        select array_agg(distinct object_type)
        from ops.enrichment_kind
        cross join lateral staging.kinds_of(reading) as object_type
    ),
    upstream => '{charge_fact,refund_fact,invoice_fact,customer_dim,product_dim,price_dim,payment_method_dim,
    subscription_dim}'
);

-- What has to be judged: what the documents of the pending batches name or may lack, with the account whose key brought
-- them, and what was wanted before of an object that came.
create temp table asked on commit drop as
with mentioned as (
    select
        v.account_id,
        v.livemode,
        r.kind,
        r.object_id,
        coalesce(b.requested_via, b.account_id) as requested_via,
        v.version_at as wanted_at,
        r.hint_at
    from pending_batch
    inner join ops.batch as b on pending_batch.batch_id = b.batch_id
    cross join (
        values
        ('charge'), ('coupon'), ('credit_note'), ('customer'), ('discount'), ('dispute'), ('invoice'),
        ('invoice_payment'), ('payment_intent'), ('payout'), ('plan'), ('price'), ('refund'), ('setup_intent'),
        ('subscription'), ('transfer')
    ) as source (object_type)
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, source.object_type) as v
    cross join lateral staging.reference(v.object_type, v.object_id, v.body) as r
    where r.object_id is not null
),

remembered as (
    select q.account_id, q.livemode, q.kind, q.object_id, q.requested_via, q.wanted_at, q.hint_at
    from touched
    inner join ops.enrichment_kind as wish on staging.reading(touched.object_type) = wish.reading
    cross join
        lateral (
            select known.*
            from ops.enrichment as known
            where
                known.account_id = touched.account_id
                and known.livemode = touched.livemode
                and known.kind = wish.kind
                and known.object_id = touched.object_id
            offset 0
        ) as q
),

final as (
    select
        account_id,
        livemode,
        kind,
        object_id,
        min(requested_via) as requested_via,
        min(wanted_at) as wanted_at,
        min(hint_at) as hint_at
    from (
        select * from mentioned
        union all
        select * from remembered
    ) as wish
    group by account_id, livemode, kind, object_id
)

select * from final;
analyze asked;

-- Objects by their id, which nothing (of coupons: no list) has shown: wanted since first named. Each is looked up
-- by its key: the offsets keep whole tables from being read, whose size is not that of the batch.
create temp table need on commit drop as
select
    a.account_id,
    a.livemode,
    a.kind,
    a.object_id,
    a.requested_via,
    coalesce(coupon.created_at, least(a.wanted_at, q.wanted_at)) as wanted_at,
    least(a.hint_at, q.hint_at) as hint_at
from asked as a
left join lateral (
    select known.wanted_at, known.hint_at
    from ops.enrichment as known
    where
        known.account_id = a.account_id
        and known.livemode = a.livemode
        and known.kind = a.kind
        and known.object_id = a.object_id
    offset 0
) as q on true
left join lateral (
    select life.created_at, life.is_whole
    from staging.latest_life_of_coupon(a.account_id, a.livemode, a.object_id) as life
    where a.kind = 'coupon'
) as coupon on true
where
    a.kind in (select named.kind from ops.enrichment_kind as named where named.is_named)
    -- cards and sources are to be had as payment methods too, bank accounts are not
    and (a.kind <> 'payment_method' or a.object_id ~ '^(pm|card|src)_')
    and coupon.is_whole is not true
    and not exists (
        select 1
        from (
            select 1
            from dwh.customer_dim as d
            where
                a.kind = 'customer'
                and (a.account_id, a.livemode, a.object_id) = (d.account_id, d.livemode, d.customer_id)
            union all
            select 1
            from dwh.product_dim as d
            where
                a.kind = 'product'
                and (a.account_id, a.livemode, a.object_id) = (d.account_id, d.livemode, d.product_id)
            union all
            select 1
            from dwh.price_dim as d
            where
                a.kind = 'price'
                and (a.account_id, a.livemode, a.object_id) = (d.account_id, d.livemode, d.price_id)
            union all
            select 1
            from dwh.payment_method_dim as d
            where
                a.kind = 'payment_method'
                and (a.account_id, a.livemode, a.object_id) = (d.account_id, d.livemode, d.payment_method_id)
            union all
            select 1
            from dwh.subscription_dim as d
            where
                a.kind = 'subscription'
                and (a.account_id, a.livemode, a.object_id) = (d.account_id, d.livemode, d.subscription_id)
            union all
            select 1
            from dwh.charge_fact as f
            where
                a.kind = 'charge'
                and (a.account_id, a.livemode, a.object_id) = (f.account_id, f.livemode, f.charge_id)
            union all
            select 1
            from dwh.invoice_fact as f
            where
                a.kind = 'invoice'
                and (a.account_id, a.livemode, a.object_id) = (f.account_id, f.livemode, f.invoice_id)
            union all
            select 1
            from raw.object as o
            where
                a.kind = 'balance_transaction'
                and (a.account_id, a.livemode, a.kind, a.object_id)
                = (o.account_id, o.livemode, o.object_type, o.object_id)
                and not exists (select 1 from ops.unreleased_batch as coming where coming.batch_id = o.batch_id)
            union all
            select 1
            from staging.versions_of_object(a.account_id, a.livemode, 'price', a.object_id) as v
            where a.kind = 'price_currency_options' and v.body ? 'currency_options'
        ) as known
        offset 0
    );

-- What all documents of an object together leave out: judged again whenever one comes that may matter.
insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_invoice_lines(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'invoice_lines'
union all
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_subscription_items(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'subscription_items'
union all
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_subscription_discounts(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'subscription_discounts'
union all
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_price_tiers(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'price_tiers'
union all
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_customer_balance_transactions(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'customer_balance_transactions'
union all
select a.account_id, a.livemode, a.kind, a.object_id, a.requested_via, lack.wanted_at
from asked as a
cross join lateral staging.lack_of_payout_transactions(a.account_id, a.livemode, a.object_id) as lack
where a.kind = 'payout_transactions'
union all
-- refunds that the charge counts and nothing shows
select
    a.account_id,
    a.livemode,
    a.kind,
    a.object_id,
    a.requested_via,
    charge.version_at + case when charge.version_rank >= 0 then interval '1 second' else interval '0' end
from asked as a
inner join dwh.charge_fact as charge
    on a.account_id = charge.account_id and a.livemode = charge.livemode and a.object_id = charge.charge_id
where
    a.kind = 'charge_refunds'
    and charge.amount_refunded_minor > (
        select coalesce(sum(r.amount_minor), 0)
        from dwh.refund_fact as r
        where
            a.account_id = r.account_id
            and a.livemode = r.livemode
            and a.object_id = r.charge_id
            and r.status not in ('failed', 'canceled')
    );

-- What was asked for, is not needed any more, and is still open.
create temp table settled on commit drop as
with judged as (
    select account_id, livemode, kind, object_id from asked
    except
    select account_id, livemode, kind, object_id from need
)

select *
from judged
where
    exists (
        select 1
        from ops.enrichment as known
        where
            known.account_id = judged.account_id
            and known.livemode = judged.livemode
            and known.kind = judged.kind
            and known.object_id = judged.object_id
            and known.fetched_at is null
        offset 0
    );
analyze settled;

delete from ops.enrichment
using settled
where
    ops.enrichment.account_id = settled.account_id
    and ops.enrichment.livemode = settled.livemode
    and ops.enrichment.kind = settled.kind
    and ops.enrichment.object_id = settled.object_id;

insert into ops.enrichment as q (account_id, livemode, kind, object_id, requested_via, wanted_at, hint_at)
select account_id, livemode, kind, object_id, requested_via, wanted_at, hint_at
from need
on conflict (account_id, livemode, kind, object_id) do update
    set
        requested_via = least(q.requested_via, excluded.requested_via),
        wanted_at = excluded.wanted_at,
        hint_at = excluded.hint_at,
        -- what Stripe did not have may be there since
        gone = q.gone and excluded.wanted_at <= q.wanted_at;

select ops.end_model((select count(*) from touched), (select count(*) from need));
