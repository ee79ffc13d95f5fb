/* Check: what items of counted subscriptions cost, in their currency, is known or waits to be fetched. Layer: dwh. */
with unknown as (
    select
        i.account_id,
        i.livemode,
        i.price_id,
        count(*) as items,
        min(i.subscription_item_id) as first_subscription_item_id
    from dwh.subscription_dim as s
    inner join dwh.subscription_item_dim as i using (account_id, livemode, subscription_id)
    left join dwh.price_dim as p
        on i.account_id = p.account_id and i.livemode = p.livemode and i.price_id = p.price_id and p.is_current
    where
        s.is_current
        and s.deleted_at is null
        and ops.mrr_state(s.status, s.pause_behavior, s.is_cancel_at_period_end, s.cancel_at) <> 'none'
        and i.is_current
        and i.deleted_at is null
        and i.usage_type is distinct from 'metered'
        and i.interval_unit is not null
        and case
            when s.customer_id is null or coalesce(s.currency, i.currency, p.currency) is null then true
            when s.currency <> coalesce(i.currency, p.currency)
                then not coalesce(p.currency_options ? s.currency, false)
            when p.tiers_mode is not null then p.tiers is null
            else coalesce(i.unit_amount_minor, p.unit_amount_minor) is null
        end
    group by i.account_id, i.livemode, i.price_id
)

select
    unknown.account_id,
    unknown.livemode,
    unknown.price_id,
    unknown.first_subscription_item_id,
    unknown.items as failing,
    -- until then they count as nothing
    case
        when exists (
            select 1
            from ops.enrichment_awaited as q
            where
                q.account_id = unknown.account_id
                and q.livemode = unknown.livemode
                and q.kind in ('price', 'price_tiers', 'price_currency_options')
                and q.object_id = unknown.price_id
                and not q.gone
        ) then unknown.items
        else 0
    end as allowed
from unknown
