/* Grain: one row per payment method, latest state. What was paid with, and which card expires soon. */
select ops.begin_model('payment_method_dim');

create temp table incoming on commit drop as
with own as (
    select
        v.account_id,
        v.livemode,
        p.*,
        case when v.version_rank = 3 then v.version_at end as deleted_at,
        v.version_at,
        v.version_rank,
        v.version_order
    from pending_batch
    cross join staging.kinds_of('payment_method') as kind (object_type)
    cross join lateral staging.documents_in_batch(pending_batch.batch_id, kind.object_type) as v
    cross join lateral staging.payment_method(v.body) as p
    where p.payment_method_id is not null
),

-- No list has those of all customers: of older ones the charges tell. A document of its own always wins.
told_by_charge as (
    select
        v.account_id,
        v.livemode,
        c.payment_method_id,
        c.customer_id,
        p.payment_method_type,
        p.brand,
        p.last4,
        p.funding,
        p.country_code,
        p.wallet_type,
        p.fingerprint,
        p.exp_month,
        p.exp_year,
        null::timestamptz as created_at,
        null::timestamptz as deleted_at,
        -- A charge shows the card as it was then: charges count by their creation, all of them long before the
        -- object's own documents; versions of one charge by second, rank and place, packed into one number.
        coalesce(c.created_at, v.version_at) - interval '1000 years' as version_at,
        (-2)::smallint as version_rank,
        extract(epoch from v.version_at)::bigint * 2147483648
        + (v.version_rank + 1) * 536870912
        + case v.source when 'list' then v.version_order else v.version_order / 65536 end as version_order
    from pending_batch
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'charge') as v
    cross join lateral staging.charge(v.body) as c
    cross join lateral staging.payment_method(c.payment_method) as p
    where c.payment_method_id is not null and c.payment_method is not null
)

select * from own
union all
select * from told_by_charge;

select ops.apply_latest();
