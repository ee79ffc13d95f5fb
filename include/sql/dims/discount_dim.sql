/* Grain: one row per discount, latest state. Who pays less, by which coupon, for how long. */
select ops.begin_model('discount_dim');

create temp table incoming on commit drop as
select
    document.account_id,
    document.livemode,
    discount.discount_id,
    discount.coupon_id,
    discount.promotion_code_id,
    discount.customer_id,
    discount.subscription_id,
    discount.subscription_item_id,
    discount.invoice_id,
    discount.invoice_item_id,
    discount.checkout_session_id,
    discount.duration,
    discount.currency,
    discount.percent_off,
    discount.amount_off_minor,
    discount.duration_in_months,
    discount.started_at,
    discount.ended_at,
    case when document.version_rank = 3 then document.version_at end as deleted_at,
    document.version_at,
    -- inside an invoice that was paid with it, one that was deleted since says so, and all but when it would have ended
    case when discount.is_deleted then 4 else document.version_rank end::smallint as version_rank,
    document.version_order
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'discount') as document
cross join lateral staging.discount(document.body) as discount
where discount.discount_id is not null;

select ops.apply_latest();

-- apart from the state: whichever version won, a coupon that any of them names leads to the discount
update dwh.discount_dim as target
set
    coupon_ids = array(
        select distinct coupon_id
        from unnest(target.coupon_ids || named.coupon_ids) as coupon_id
        order by coupon_id
    )
from (
    select account_id, livemode, discount_id, array_agg(distinct coupon_id) as coupon_ids
    from incoming
    where coupon_id is not null
    group by account_id, livemode, discount_id
) as named
where
    target.account_id = named.account_id
    and target.livemode = named.livemode
    and target.discount_id = named.discount_id
    and not target.coupon_ids @> named.coupon_ids;
