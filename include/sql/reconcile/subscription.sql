/* Grain: one row per subscription that Stripe listed or the warehouse holds. Compared: who pays what, until when. */
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
            subscription_item_id, jsonb_build_array(price_id, quantity, unit_amount_minor)
        ) as items
    from listed_item
    group by object_id
),

listed_state as (
    select
        listed.object_id,
        listed.observed_at,
        jsonb_build_object(
            'customer_id', subscription.customer_id,
            'status', subscription.status,
            'currency', subscription.currency,
            'is_cancel_at_period_end', subscription.is_cancel_at_period_end,
            'trial_end_at', subscription.trial_end_at,
            'current_period_end_at', subscription.current_period_end_at,
            'cancel_at', subscription.cancel_at,
            'canceled_at', subscription.canceled_at,
            'ended_at', subscription.ended_at,
            'items', listed_items.items
        ) as state
    from listed
    cross join lateral staging.subscription(listed.payload) as subscription
    left join listed_items on listed.object_id = listed_items.object_id
),

held_subscription as (
    select subscription_dim.*
    from asked
    inner join dwh.subscription_dim
        on asked.account_id = subscription_dim.account_id and asked.livemode = subscription_dim.livemode
    where
        subscription_dim.is_current
        and subscription_dim.deleted_at is null
        and (
            (
                -- on a test clock, it is listed only to who asks for the clock
                subscription_dim.test_clock_id is null
                and (
                    (
                        subscription_dim.created_at >= asked.created_from
                        and subscription_dim.created_at < asked.created_to
                    )
                    or subscription_dim.status = asked.status
                )
            )
            or exists (select 1 from listed where listed.object_id = subscription_dim.subscription_id)
        )
),

held_items as (
    select
        held_subscription.subscription_id,
        jsonb_object_agg(
            item.subscription_item_id, jsonb_build_array(item.price_id, item.quantity, item.unit_amount_minor)
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

held_state as (
    select
        held_subscription.subscription_id as object_id,
        held_subscription.valid_from as version_at,
        jsonb_build_object(
            'customer_id', held_subscription.customer_id,
            'status', held_subscription.status,
            'currency', held_subscription.currency,
            'is_cancel_at_period_end', held_subscription.is_cancel_at_period_end,
            'trial_end_at', held_subscription.trial_end_at,
            'current_period_end_at', held_subscription.current_period_end_at,
            'cancel_at', held_subscription.cancel_at,
            'canceled_at', held_subscription.canceled_at,
            'ended_at', held_subscription.ended_at,
            'items', held_items.items
        ) as state
    from held_subscription
    left join held_items on held_subscription.subscription_id = held_items.subscription_id
),

final as (
    select
        object_id,
        listed_state.observed_at,
        held_state.version_at,
        listed_state.state as listed,
        held_state.state as held
    from listed_state
    full join held_state using (object_id)
)

select * from final
