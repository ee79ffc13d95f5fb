/* Grain: one row per customer and stretch without a change. Who pays. */
select ops.begin_model('customer_dim', touching => '{customer}');

create temp table incoming on commit drop as
select
    version.account_id,
    version.livemode,
    version.object_id as customer_id,
    customer.*,
    version.version_at,
    version.version_rank,
    version.version_order
from touched
cross join
    lateral staging.versions_of_object(
        touched.account_id, touched.livemode, touched.object_type, touched.object_id
    ) as version
cross join lateral staging.customer(version.body) as customer;

select ops.apply_history();
