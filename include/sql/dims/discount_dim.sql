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
set coupon_ids = named.coupon_ids
from (
    select told.account_id, told.livemode, told.discount_id, array_agg(distinct told.coupon_id) as coupon_ids
    from (
        select account_id, livemode, discount_id, coupon_id
        from incoming
        where coupon_id is not null
        union
        select known.account_id, known.livemode, known.discount_id, unnest(known.coupon_ids)
        from dwh.discount_dim as known
        inner join (select distinct account_id, livemode, discount_id from incoming) as came
            using (account_id, livemode, discount_id)
    ) as told
    group by told.account_id, told.livemode, told.discount_id
) as named
where
    target.account_id = named.account_id
    and target.livemode = named.livemode
    and target.discount_id = named.discount_id
    and target.coupon_ids <> named.coupon_ids;
