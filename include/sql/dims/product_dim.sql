/* Grain: one row per product and stretch without a change. What is sold. */
select ops.begin_model('product_dim', touching => '{product}');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as product_id,
    product.*,
    version.version_at,
    version.version_rank,
    version.version_order
from touched
cross join
    lateral staging.versions_of_object(
        touched.account_id, touched.livemode, touched.object_type, touched.object_id
    ) as version
cross join lateral staging.product(version.body) as product;

select ops.apply_history();
