/* Grain: one row per subscription and stretch without a change. Who was subscribed, in which state, and when. */
select ops.begin_model('subscription_dim', touching => '{subscription}');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as subscription_id,
    subscription.*,
    version.version_at,
    version.version_rank,
    version.version_order
from touched
cross join
    lateral staging.versions_of_object(
        touched.account_id, touched.livemode, touched.object_type, touched.object_id
    ) as version
cross join lateral staging.subscription(version.body) as subscription;

-- they are rows of subscription_item_dim
alter table incoming drop column items, drop column has_more_items;

select ops.apply_history();
