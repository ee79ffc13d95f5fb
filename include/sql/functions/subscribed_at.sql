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
    mrr_minor numeric,
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
        coalesce(worth.item_mrr_minor, 0),
        subscription.status,
        subscription.pause_behavior is not null or subscription.status = 'paused',
        coalesce(worth.mrr_minor, 0) > 0
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
    -- by the ledger, so that it is paying here who is in the marts
    cross join lateral (
        select
            sum(change.mrr_change_minor) as mrr_minor,
            sum(change.mrr_change_minor) filter (
                where change.subscription_item_id = item.subscription_item_id and change.price_id = item.price_id
            ) as item_mrr_minor
        from dwh.mrr_change_fact as change
        where
            change.account_id = subscription.account_id
            and change.livemode = subscription.livemode
            and change.subscription_id = subscription.subscription_id
            and change.customer_id = subscription.customer_id
            and change.changed_at <= subscribed_at.at
    ) as worth
    where
        subscription.livemode in (select mode.livemode from ops.reported_mode as mode)
        and subscription.valid_from <= subscribed_at.at
        and subscribed_at.at < coalesce(subscription.valid_to, subscription.deleted_at, 'infinity')
        and (
            subscription.status in ('trialing', 'active', 'past_due', 'paused', 'unpaid')
            -- what pays by the policy is subscribed
            or subscription.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
        )
$$;
comment on function dwh.subscribed_at(timestamptz) is
'Everyone who was subscribed to something at a moment, in the modes that marts show, one row per subscription item: '
'the plan (price_id), its MRR, and whether the subscription was one that pays (is_paying): it had MRR. A trial, a '
'pause, a free plan, and one that a discount makes free are not paying; see docs/metrics.md.';
