/* Check: what discounts on counted subscriptions take off is known, or waits to be fetched, or is gone. Layer: dwh. */
with counted as (
    select account_id, livemode, subscription_id, customer_id, discounts
    from dwh.subscription_dim
    where
        is_current
        and deleted_at is null
        and ops.mrr_state(status, pause_behavior, is_cancel_at_period_end, cancel_at) <> 'none'
),

shown as (
    select account_id, livemode, subscription_id, jsonb_array_elements(discounts) as discount
    from counted
    where discounts <> '[]'
    union
    select counted.account_id, counted.livemode, counted.subscription_id, jsonb_array_elements(item.discounts)
    from counted
    inner join dwh.subscription_item_dim as item using (account_id, livemode, subscription_id)
    where item.is_current and item.deleted_at is null and item.discounts <> '[]'
    union
    -- where the subscription has none of its own
    select counted.account_id, counted.livemode, counted.subscription_id, jsonb_array_elements(customer.discounts)
    from counted
    inner join dwh.customer_dim as customer using (account_id, livemode, customer_id)
    where
        counted.discounts = '[]' and customer.is_current and customer.deleted_at is null and customer.discounts <> '[]'
),

named as (
    select
        shown.account_id,
        shown.livemode,
        shown.subscription_id,
        coalesce(known.discount_id, shown.discount #>> '{}') as discount_id,
        coalesce(known.coupon_id, shown.discount ->> 'coupon') as coupon_id,
        coalesce(
            known.duration, shown.discount ->> 'duration', known.coupon_terms #>> array[known.coupon_id, 'duration']
        ) as duration,
        coalesce(
            known.percent_off, known.amount_off_minor, (shown.discount ->> 'percent_off')::numeric,
            (shown.discount ->> 'amount_off')::numeric,
            (known.coupon_terms #>> array[known.coupon_id, 'percent_off'])::numeric,
            (known.coupon_terms #>> array[known.coupon_id, 'amount_off_minor'])::numeric
        ) as off
    from shown
    left join dwh.discount_dim as known
        on
            shown.account_id = known.account_id
            and shown.livemode = known.livemode
            and shown.discount = to_jsonb(known.discount_id)
    -- what was taken away takes nothing off
    where known.deleted_at is null
),

coupon as (
    select
        named.account_id,
        named.livemode,
        named.coupon_id,
        known.duration,
        known.deleted_at,
        life.is_whole,
        coalesce(known.percent_off, known.amount_off_minor) as off
    from (select distinct account_id, livemode, coupon_id from named where coupon_id is not null) as named
    left join dwh.coupon_dim as known using (account_id, livemode, coupon_id)
    left join lateral (
        select latest.is_whole
        from staging.latest_life_of_coupon(named.account_id, named.livemode, named.coupon_id) as latest
    ) as life on true
),

unknown as (
    select
        named.account_id,
        named.livemode,
        named.discount_id,
        named.coupon_id,
        min(named.subscription_id) as first_subscription_id,
        count(*) as subscriptions,
        count(*) filter (
            where
            coupon.deleted_at is not null
            or exists (
                select 1
                from ops.enrichment_awaited as q
                where
                    q.account_id = named.account_id
                    and q.livemode = named.livemode
                    and (
                        (q.kind = 'subscription_discounts' and q.object_id = named.subscription_id)
                        or (q.kind = 'coupon' and q.object_id = named.coupon_id)
                    )
            )
        ) as tolerated_subscriptions
    from named
    left join coupon
        on
            named.account_id = coupon.account_id
            and named.livemode = coupon.livemode
            and named.coupon_id = coupon.coupon_id
    where
        coalesce(named.off, coupon.off) is null
        -- without a list nobody knows for which products it is, or what it takes off in another currency
        or (
            named.coupon_id is not null
            and coupon.is_whole is not true
            and ops.is_subtracted(coalesce(named.duration, coupon.duration))
        )
    group by named.account_id, named.livemode, named.discount_id, named.coupon_id
)

select
    account_id,
    livemode,
    discount_id,
    coupon_id,
    first_subscription_id,
    subscriptions as failing,
    -- until then they take nothing off, or off all that they are on; of what is gone from Stripe, nobody can tell
    tolerated_subscriptions as allowed
from unknown
