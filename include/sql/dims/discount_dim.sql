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

-- Apart from the state, whichever version won: a coupon that any of them names leads to the discount, and its terms,
-- where any of them showed these, hold for those that only name it.
update dwh.discount_dim as target
set coupon_ids = told.coupon_ids, coupon_terms = told.coupon_terms
from (
    select
        account_id,
        livemode,
        discount_id,
        array_agg(coupon_id order by coupon_id) as coupon_ids,
        coalesce(jsonb_object_agg(coupon_id, terms) filter (where terms is not null), '{}') as coupon_terms
    from (
        -- of a coupon that was made anew under its id any, but always the same
        select account_id, livemode, discount_id, coupon_id, max(terms::text)::jsonb as terms
        from (
            select
                account_id,
                livemode,
                discount_id,
                coupon_id,
                case
                    when coalesce(percent_off, amount_off_minor) is not null
                        then
                            jsonb_strip_nulls(jsonb_build_object(
                                'duration', duration,
                                'currency', currency,
                                'percent_off', percent_off,
                                'amount_off_minor', amount_off_minor
                            ))
                end as terms
            from incoming
            where coupon_id is not null
            union all
            select known.account_id, known.livemode, known.discount_id, id.value, known.coupon_terms -> id.value
            from (select distinct account_id, livemode, discount_id from incoming) as came
            inner join dwh.discount_dim as known using (account_id, livemode, discount_id)
            cross join lateral unnest(known.coupon_ids) as id (value)
        ) as shown
        group by account_id, livemode, discount_id, coupon_id
    ) as named
    group by account_id, livemode, discount_id
) as told
where
    target.account_id = told.account_id
    and target.livemode = told.livemode
    and target.discount_id = told.discount_id
    and (target.coupon_ids, target.coupon_terms) is distinct from (told.coupon_ids, told.coupon_terms);
