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
cross join
    lateral staging.versions_of_object(
        touched.account_id, touched.livemode, touched.object_type, touched.object_id
    ) as version
cross join lateral staging.price(version.body) as price;

select ops.apply_history();
