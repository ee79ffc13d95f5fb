/* Who was subscribed to what at a moment. */
create function dwh.subscribed_at(at timestamptz) returns table (
    account_id text,
    livemode boolean,
    customer_id text,
    user_id text,
    subscription_id text,
    subscription_item_id text,
    price_id text,
    product_id text,
    quantity bigint,
    currency text,
    status text,
    is_paused boolean,
    is_paying boolean
)
language sql
stable
as $$
    select
        subscription.account_id,
        subscription.livemode,
        subscription.customer_id,
        owner.user_id,
        subscription.subscription_id,
        item.subscription_item_id,
        item.price_id,
        item.product_id,
        item.quantity,
        coalesce(subscription.currency, item.currency),
        subscription.status,
        subscription.pause_behavior is not null or subscription.status = 'paused',
        subscription.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
        and (subscription.pause_behavior is null or ops.choice('paused_counts') = 'yes')
    from dwh.subscription_dim as subscription
    inner join dwh.subscription_item_dim as item
        on
            subscription.account_id = item.account_id
            and subscription.livemode = item.livemode
            and subscription.subscription_id = item.subscription_id
            and item.valid_from <= subscribed_at.at
            and subscribed_at.at < coalesce(item.valid_to, item.deleted_at, 'infinity')
    left join dwh.user_dim as owner
        on
            subscription.account_id = owner.account_id
            and subscription.livemode = owner.livemode
            and subscription.customer_id = owner.customer_id
    where
        subscription.valid_from <= subscribed_at.at
        and subscribed_at.at < coalesce(subscription.valid_to, subscription.deleted_at, 'infinity')
        and subscription.status in ('trialing', 'active', 'past_due', 'paused', 'unpaid')
$$;
comment on function dwh.subscribed_at(timestamptz) is
'Everyone who was subscribed to something at a moment, one row per subscription item: the plan (price_id), and whether '
'the subscription was one that pays (is_paying): not in a trial, not paused, not unpaid; see policy mrr_statuses.';
