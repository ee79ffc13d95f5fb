/* Whether a user of the app was a paying subscriber at a moment. */
create function dwh.is_subscribed(p_user_id text, p_at timestamptz) returns boolean
language sql
stable
as $$
    select exists (
        select
        from dwh.user_dim as owner
        inner join dwh.mrr_change_fact as change
            on
                owner.account_id = change.account_id
                and owner.livemode = change.livemode
                and owner.customer_id = change.customer_id
        where
            owner.user_id = p_user_id
            and change.changed_at <= p_at
            and owner.livemode in (select livemode from ops.reported_mode)
        group by change.account_id, change.livemode, change.subscription_id
        having sum(change.mrr_change_minor) > 0
    )
$$;
comment on function dwh.is_subscribed(text, timestamptz) is
'Whether a user (id in the app, dwh.user_dim) had a subscription with MRR at a moment, in the modes that marts show: '
'not a trial, not paused, not free.';
