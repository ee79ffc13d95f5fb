/* Grain: one row per thing that documents name or lack, and Stripe has to be asked for. What events leave out. */
select ops.begin_model(
    'enrichment',
    touching => '{balance_transaction,charge,customer,invoice,plan,price,product,subscription}',
    upstream => '{charge_fact,refund_fact,invoice_fact,customer_dim,product_dim,price_dim,subscription_dim}'
);

-- What the documents of the pending batches name or may lack, with the account whose key brought them.
create temp table mention on commit drop as
select
    v.account_id,
    v.livemode,
    r.kind,
    r.object_id,
    min(b.account_id) as requested_via,
    min(v.version_at) as wanted_at,
    min(r.hint_at) as hint_at
from pending_batch
inner join ops.batch as b on pending_batch.batch_id = b.batch_id
cross join (
    values
    ('charge'), ('credit_note'), ('customer'), ('discount'), ('dispute'), ('invoice'), ('invoice_payment'), ('payout'),
    ('plan'), ('price'), ('refund'), ('subscription'), ('transfer')
) as kind (object_type)
cross join lateral staging.versions_in_batch(pending_batch.batch_id, kind.object_type) as v
cross join lateral staging.reference(v.object_type, v.object_id, v.body) as r
where r.object_id is not null
group by v.account_id, v.livemode, r.kind, r.object_id;
analyze mention;

-- Objects by their id: named by a document, or named before and here now.
create temp table reference on commit drop as
with named as (
    select account_id, livemode, kind, object_id, requested_via, wanted_at, hint_at
    from mention
    where
        kind in (
            'balance_transaction', 'charge', 'customer', 'invoice', 'price', 'price_currency_options', 'product',
            'subscription'
        )
    union all
    select q.account_id, q.livemode, q.kind, q.object_id, q.requested_via, q.wanted_at, q.hint_at
    from touched
    cross join
        lateral (
            select known.*
            from ops.enrichment as known
            where
                known.account_id = touched.account_id
                and known.livemode = touched.livemode
                and known.object_id = touched.object_id
                and known.kind in (
                    staging.reading(touched.object_type),
                    case touched.object_type when 'price' then 'price_currency_options' end
                )
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
    from named
    group by account_id, livemode, kind, object_id
)

select * from final;
analyze reference;

-- Each is looked up by its key: the offsets keep whole tables from being read, whose size is not that of the batch.
create temp table need on commit drop as
select
    r.account_id,
    r.livemode,
    r.kind,
    r.object_id,
    r.requested_via,
    -- since it was first named
    least(r.wanted_at, q.wanted_at) as wanted_at,
    least(r.hint_at, q.hint_at) as hint_at
from reference as r
left join lateral (
    select known.wanted_at, known.hint_at
    from ops.enrichment as known
    where
        known.account_id = r.account_id
        and known.livemode = r.livemode
        and known.kind = r.kind
        and known.object_id = r.object_id
    offset 0
) as q on true
where
    case r.kind
        when 'customer'
            then
                not exists (
                    select 1
                    from dwh.customer_dim as d
                    where r.account_id = d.account_id and r.livemode = d.livemode and r.object_id = d.customer_id
                    offset 0
                )
        when 'product'
            then
                not exists (
                    select 1
                    from dwh.product_dim as d
                    where r.account_id = d.account_id and r.livemode = d.livemode and r.object_id = d.product_id
                    offset 0
                )
        when 'price'
            then
                not exists (
                    select 1
                    from dwh.price_dim as d
                    where r.account_id = d.account_id and r.livemode = d.livemode and r.object_id = d.price_id
                    offset 0
                )
        when 'subscription'
            then
                not exists (
                    select 1
                    from dwh.subscription_dim as d
                    where r.account_id = d.account_id and r.livemode = d.livemode and r.object_id = d.subscription_id
                    offset 0
                )
        when 'charge'
            then
                not exists (
                    select 1
                    from dwh.charge_fact as f
                    where r.account_id = f.account_id and r.livemode = f.livemode and r.object_id = f.charge_id
                    offset 0
                )
        when 'invoice'
            then
                not exists (
                    select 1
                    from dwh.invoice_fact as f
                    where r.account_id = f.account_id and r.livemode = f.livemode and r.object_id = f.invoice_id
                    offset 0
                )
        when 'balance_transaction'
            then
                not exists (
                    select 1
                    from raw.object as o
                    where
                        r.account_id = o.account_id
                        and r.livemode = o.livemode
                        and o.object_type = 'balance_transaction'
                        and r.object_id = o.object_id
                    offset 0
                )
        when 'price_currency_options' then not exists (
            select 1
            from staging.versions_of_object(r.account_id, r.livemode, 'price', r.object_id) as v
            where v.body ? 'currency_options'
        )
    end;

-- What the documents of an object leave out: asked again of all its versions whenever one comes that may matter.
create temp table candidate on commit drop as
with doubtful as (
    select account_id, livemode, requested_via, kind, object_id
    from mention
    where
        kind in (
            'charge_refunds', 'customer_balance_transactions', 'invoice_lines', 'price_tiers',
            'subscription_discounts', 'subscription_items'
        )
    union all
    select q.account_id, q.livemode, q.requested_via, q.kind, q.object_id
    from touched
    inner join (
        values
        ('invoice', 'invoice_lines'),
        ('subscription', 'subscription_items'),
        ('subscription', 'subscription_discounts'),
        ('price', 'price_tiers'),
        ('charge', 'charge_refunds'),
        ('customer', 'customer_balance_transactions')
    ) as lack (reading, kind) on staging.reading(touched.object_type) = lack.reading
    cross join
        lateral (
            select known.*
            from ops.enrichment as known
            where
                known.account_id = touched.account_id
                and known.livemode = touched.livemode
                and known.kind = lack.kind
                and known.object_id = touched.object_id
            offset 0
        ) as q
),

final as (
    select account_id, livemode, kind, object_id, min(requested_via) as requested_via
    from doubtful
    group by account_id, livemode, kind, object_id
)

select * from final;
analyze candidate;

create temp table past on commit drop as
select
    c.account_id,
    c.livemode,
    c.kind,
    c.object_id,
    c.requested_via,
    v.version_at,
    v.version_rank = 3 as is_deletion,
    -- an event of a second may be newer than an answer of the same one
    v.version_at + case v.source when 'event' then interval '1 second' else interval '0' end as wanted_at,
    row_number() over (
        partition by c.account_id, c.livemode, c.kind, c.object_id
        order by v.version_rank = 3 desc, v.version_at desc, v.version_rank desc, v.version_order desc
    ) as newest_first,
    v.body
from candidate as c
inner join (
    values
    ('invoice_lines', 'invoice'),
    ('subscription_items', 'subscription'),
    ('subscription_discounts', 'subscription'),
    ('price_tiers', 'price'),
    ('customer_balance_transactions', 'customer')
) as source (kind, reading) on c.kind = source.kind
cross join lateral staging.kinds_of(source.reading) as own (object_type)
cross join lateral staging.versions_of_object(c.account_id, c.livemode, own.object_type, c.object_id) as v;
analyze past (account_id, livemode, kind, object_id, newest_first, is_deletion);

-- Lines no longer change once an invoice is finalized: one complete look after that is enough.
insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
with looked as (
    select
        past.*,
        invoice.has_more_lines,
        not invoice.has_more_lines
        and staging.list_items(past.body -> 'lines') <> '[]'
        and (invoice.finalized_at is not null or invoice.status <> 'draft') as is_complete
    from past
    cross join lateral staging.invoice(past.body) as invoice
    where past.kind = 'invoice_lines'
)

select
    account_id, livemode, kind, object_id, min(requested_via), max(wanted_at) filter (where newest_first = 1)
from looked
group by account_id, livemode, kind, object_id
having bool_or(newest_first = 1 and not is_deletion and has_more_lines) and not bool_or(is_complete);

insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
select account_id, livemode, kind, object_id, requested_via, wanted_at
from past
where
    kind = 'subscription_items'
    and newest_first = 1
    and not is_deletion
    and (body #>> '{items,has_more}')::boolean;

-- A discount is known from its own events, which name the subscription and so ask again, or where a version of the
-- subscription shows it whole. dwh.discount_dim knows more, but not which subscriptions to ask again.
insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
with shown as (
    select p.*, discount.value as discount
    from past as p
    cross join
        lateral (
            select own.value from jsonb_path_query(p.body, '$.discounts[*]') as own (value)
            union all
            select of_item.value from jsonb_path_query(p.body, '$.items.data[*].discounts[*]') as of_item (value)
        ) as discount
    where p.kind = 'subscription_discounts'
)

select distinct s.account_id, s.livemode, s.kind, s.object_id, s.requested_via, s.wanted_at
from shown as s
where
    s.newest_first = 1
    and not s.is_deletion
    and jsonb_typeof(s.discount) = 'string'
    and not exists (
        select 1
        from shown as whole
        where
            s.account_id = whole.account_id
            and s.livemode = whole.livemode
            and s.object_id = whole.object_id
            and whole.discount ->> 'id' = s.discount #>> '{}'
    )
    and not exists (
        select 1
        from staging.versions_of_object(s.account_id, s.livemode, 'discount', s.discount #>> '{}') as own
        where staging.id_of(own.body -> 'subscription') = s.object_id
    );

-- Tiers never change: any version that has them tells.
insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
select account_id, livemode, kind, object_id, min(requested_via), max(wanted_at)
from past
where kind = 'price_tiers'
group by account_id, livemode, kind, object_id
having
    bool_or(body ->> 'billing_scheme' = 'tiered')
    and not bool_or(coalesce(jsonb_typeof(body -> 'tiers') = 'array', false))
    and not bool_or(is_deletion);

insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
select
    c.account_id,
    c.livemode,
    c.kind,
    c.object_id,
    c.requested_via,
    charge.version_at + case when charge.version_rank >= 0 then interval '1 second' else interval '0' end
from candidate as c
inner join dwh.charge_fact as charge
    on c.account_id = charge.account_id and c.livemode = charge.livemode and c.object_id = charge.charge_id
where
    c.kind = 'charge_refunds'
    and charge.amount_refunded_minor > (
        select coalesce(sum(r.amount_minor), 0)
        from dwh.refund_fact as r
        where
            c.account_id = r.account_id
            and c.livemode = r.livemode
            and c.object_id = r.charge_id
            and r.status not in ('failed', 'canceled')
    );

-- A customer's balance moves by transactions of which no event tells.
insert into need (account_id, livemode, kind, object_id, requested_via, wanted_at)
with balance as (
    select
        *,
        coalesce((body ->> 'balance')::bigint, (body ->> 'account_balance')::bigint, 0) as balance_minor
    from past
    where kind = 'customer_balance_transactions' and not is_deletion and not body ? 'deleted'
),

step as (
    select
        *,
        lag(balance_minor, 1, 0::bigint) over (
            partition by account_id, livemode, object_id order by newest_first desc
        ) as balance_before_minor
    from balance
)

select account_id, livemode, kind, object_id, min(requested_via), max(wanted_at)
from step
where balance_minor <> balance_before_minor
group by account_id, livemode, kind, object_id;

-- What was asked for, is not needed any more, and is still open.
create temp table settled on commit drop as
with asked as (
    select account_id, livemode, kind, object_id from reference
    union
    select account_id, livemode, kind, object_id from candidate
    except
    select account_id, livemode, kind, object_id from need
)

select *
from asked
where
    exists (
        select 1
        from ops.enrichment as known
        where
            known.account_id = asked.account_id
            and known.livemode = asked.livemode
            and known.kind = asked.kind
            and known.object_id = asked.object_id
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
        hint_at = excluded.hint_at;

select ops.end_model((select count(*) from touched), (select count(*) from need));
