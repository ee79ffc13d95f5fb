/* Check: what every item of a counted subscription costs is known, by its amount or its tiers. Layer: dwh. */
select
    i.account_id,
    i.livemode,
    i.subscription_id,
    i.subscription_item_id,
    i.price_id
from dwh.subscription_dim as s
inner join dwh.subscription_item_dim as i using (account_id, livemode, subscription_id)
left join dwh.price_dim as p
    on i.account_id = p.account_id and i.livemode = p.livemode and i.price_id = p.price_id and p.is_current
where
    s.is_current
    and s.deleted_at is null
    and s.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
    and i.is_current
    and i.deleted_at is null
    and i.usage_type is distinct from 'metered'
    and i.interval_unit is not null
    and case
        when p.tiers_mode is not null then p.tiers is null
        else coalesce(i.unit_amount_minor, p.unit_amount_minor) is null
    end
