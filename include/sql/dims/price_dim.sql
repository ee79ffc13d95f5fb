/* Grain: one row per price (or plan, its old name) and stretch without a change. What it costs and how often. */
select ops.begin_model('price_dim', touching => '{price,plan}');
select ops.bound_touched('price_id');

create temp table incoming on commit drop as
with price as (
    select account_id, livemode, object_id as price_id, min(since) as since
    from touched
    group by account_id, livemode, object_id
),

version as (
    select
        price.account_id,
        price.livemode,
        price.price_id,
        document.*,
        kind.object_type = 'price' as is_price,
        v.version_at,
        -- two lists of one instant: the price's own tells more
        case when v.version_rank = -1 and kind.object_type = 'plan' then -2 else v.version_rank end::smallint
            as version_rank,
        v.version_order
    from price
    cross join staging.kinds_of('price') as kind (object_type)
    cross join
        lateral staging.versions_of_object(
            price.account_id, price.livemode, kind.object_type, price.price_id, price.since
        ) as v
    cross join lateral staging.price(v.body) as document
),

-- Plans lack what only prices have, and events what only lists show. Such a version is like the last one before it
-- that tells; those before the first that tells are like that one.
numbered as (
    select
        *,
        greatest(1, count(*) filter (where is_price) over object_history) as price_number,
        greatest(1, count(currency_options) over object_history) as options_number
    from version
    window object_history as (
        partition by account_id, livemode, price_id order by version_at, version_rank, version_order
    )
),

final as (
    select
        account_id,
        livemode,
        price_id,
        product_id,
        price_type,
        currency,
        billing_scheme,
        tiers_mode,
        interval_unit,
        usage_type,
        nickname,
        first_value(lookup_key) over told_by_price as lookup_key,
        first_value(tax_behavior) over told_by_price as tax_behavior,
        unit_amount_minor,
        interval_count,
        -- tiers never change: what one version shows has always been true
        first_value(tiers) over (
            partition by account_id, livemode, price_id
            order by tiers is null, is_price desc, version_at desc, version_rank desc, version_order desc
        ) as tiers,
        transform_quantity,
        first_value(currency_options) over (
            partition by account_id, livemode, price_id, options_number order by currency_options is null
        ) as currency_options,
        metadata,
        is_active,
        created_at,
        version_at,
        version_rank,
        version_order
    from numbered
    window told_by_price as (
        partition by account_id, livemode, price_id, price_number order by is_price desc
    )
)

select * from final;

select ops.apply_history();
