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

-- Apart from the state, whichever version won: each coupon that any of them names leads to the discount, and its terms,
-- which never change, hold for the versions that only name it.
update dwh.discount_dim as target
set
    coupons = told.coupons,
    duration = coalesce(target.duration, told.coupons #>> array[target.coupon_id, 'duration']),
    currency = coalesce(target.currency, told.coupons #>> array[target.coupon_id, 'currency']),
    percent_off = coalesce(target.percent_off, (told.coupons #>> array[target.coupon_id, 'percent_off'])::numeric),
    amount_off_minor = coalesce(
        target.amount_off_minor, (told.coupons #>> array[target.coupon_id, 'amount_off_minor'])::bigint
    ),
    duration_in_months = coalesce(
        target.duration_in_months, (told.coupons #>> array[target.coupon_id, 'duration_in_months'])::integer
    )
from (
    select account_id, livemode, discount_id, jsonb_object_agg(coupon_id, terms) as coupons
    from (
        select distinct on (account_id, livemode, discount_id, coupon_id)
            account_id, livemode, discount_id, coupon_id, terms
        from (
            select
                account_id,
                livemode,
                discount_id,
                coupon_id,
                jsonb_strip_nulls(jsonb_build_object(
                    'duration', duration,
                    'currency', currency,
                    'percent_off', percent_off,
                    'amount_off_minor', amount_off_minor,
                    'duration_in_months', duration_in_months
                )) as terms
            from incoming
            where coupon_id is not null
            union all
            select known.account_id, known.livemode, known.discount_id, coupon.key, coupon.value
            from (select distinct account_id, livemode, discount_id from incoming) as came
            inner join dwh.discount_dim as known using (account_id, livemode, discount_id)
            cross join lateral jsonb_each(known.coupons) as coupon
        ) as shown
        -- of two objects, that with more in it is the greater
        order by account_id asc, livemode asc, discount_id asc, coupon_id asc, terms desc
    ) as fullest
    group by account_id, livemode, discount_id
) as told
where
    target.account_id = told.account_id
    and target.livemode = told.livemode
    and target.discount_id = told.discount_id;
