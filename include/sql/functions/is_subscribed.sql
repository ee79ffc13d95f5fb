/* Whether a user of the app was a paying subscriber at a moment. */
create function dwh.is_subscribed(p_user_id text, p_at timestamptz) returns boolean
language sql
stable
as $$
    select exists (
        select
        from dwh.user_dim as owner
        inner join dwh.subscription_dim as subscription
            on
                owner.account_id = subscription.account_id
                and owner.livemode = subscription.livemode
                and owner.customer_id = subscription.customer_id
        where
            owner.user_id = p_user_id
            and subscription.valid_from <= p_at
            and p_at < coalesce(subscription.valid_to, subscription.deleted_at, 'infinity')
            and subscription.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
            and (subscription.pause_behavior is null or ops.choice('paused_counts') = 'yes')
            and owner.livemode in (select livemode from ops.reported_mode)
    )
$$;
comment on function dwh.is_subscribed(text, timestamptz) is
'Whether a user (id in the app, dwh.user_dim) paid for a subscription at a moment: not in a trial, not paused.';
