/* Grain: one row per price and stretch without a change. What it costs and how often. */
select ops.begin_model('price_dim', touching => '{price}');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as price_id,
    price.*,
    version.version_at,
    version.version_rank,
    version.version_order
from touched
inner join staging.object_version as version using (account_id, livemode, object_type, object_id)
cross join lateral staging.price(version.body) as price;

select ops.apply_history();
