/* Grain: one row per subscription and side that shows it. Compared: who pays what, until when. */
with listed_item as (
    select listed.object_id, subscription.has_more_items, item.*
    from listed
    cross join lateral staging.subscription(listed.payload) as subscription
    cross join lateral jsonb_array_elements(subscription.items) as element
    cross join lateral staging.subscription_item(element) as item
),

listed_items as (
    select
        object_id,
        jsonb_object_agg(
            subscription_item_id,
            jsonb_build_array(price_id, quantity, unit_amount_minor, staging.sorted(discounts))
        ) as items
    from listed_item
    group by object_id
),

held_subscription as (
    select held.*
    from wanted
    inner join dwh.subscription_dim as held
        on
            wanted.account_id = held.account_id
            and wanted.livemode = held.livemode
            and wanted.object_id = held.subscription_id
    where held.is_current and held.deleted_at is null
),

held_items as (
    select
        held_subscription.subscription_id,
        jsonb_object_agg(
            item.subscription_item_id,
            jsonb_build_array(item.price_id, item.quantity, item.unit_amount_minor, staging.sorted(item.discounts))
        ) as items
    from held_subscription
    inner join dwh.subscription_item_dim as item
        on
            held_subscription.account_id = item.account_id
            and held_subscription.livemode = item.livemode
            and held_subscription.subscription_id = item.subscription_id
    where
        item.is_current
        and item.deleted_at is null
        -- of more than a list embeds, those that it shows
        and not exists (
            select 1
            from listed_item as shown
            where
                shown.object_id = held_subscription.subscription_id
                and shown.has_more_items
                and not exists (
                    select 1
                    from listed_item as same
                    where
                        same.object_id = held_subscription.subscription_id
                        and same.subscription_item_id = item.subscription_item_id
                )
        )
    group by held_subscription.subscription_id
),

final as (
    select
        'listed' as side,
        listed.object_id,
        listed.observed_at as seen_at,
        subscription.customer_id,
        subscription.status,
        subscription.currency,
        subscription.collection_method,
        subscription.pause_behavior,
        staging.sorted(subscription.discounts) as discounts,
        subscription.is_cancel_at_period_end,
        subscription.trial_end_at,
        subscription.current_period_end_at,
        subscription.pause_resumes_at,
        subscription.cancel_at,
        subscription.canceled_at,
        subscription.ended_at,
        listed_items.items
    from listed
    cross join lateral staging.subscription(listed.payload) as subscription
    left join listed_items on listed.object_id = listed_items.object_id
    union all
    select
        'held' as side,
        held.subscription_id,
        held.valid_from,
        held.customer_id,
        held.status,
        held.currency,
        held.collection_method,
        held.pause_behavior,
        staging.sorted(held.discounts),
        held.is_cancel_at_period_end,
        held.trial_end_at,
        held.current_period_end_at,
        held.pause_resumes_at,
        held.cancel_at,
        held.canceled_at,
        held.ended_at,
        held_items.items
    from held_subscription as held
    left join held_items on held.subscription_id = held_items.subscription_id
)

select * from final
