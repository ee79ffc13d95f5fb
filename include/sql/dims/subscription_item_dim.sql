/* Grain: one row per subscription item and stretch without a change. What exactly was subscribed to; MRR reads this. */
select ops.begin_model('subscription_item_dim', touching => '{subscription}');

create temp table incoming on commit drop as
with version as (
    select
        v.account_id,
        v.livemode,
        v.object_id as subscription_id,
        s.items,
        s.has_more_items,
        v.version_at,
        v.version_rank,
        v.version_order
    from touched
    cross join
        lateral staging.versions_of_object(
            touched.account_id, touched.livemode, touched.object_type, touched.object_id
        ) as v
    cross join lateral staging.subscription(v.body) as s
    -- a subscription always has items: where there are none, the document does not tell
    where s.items <> '[]'
),

succession as (
    select
        *,
        lag(items) over (
            partition by account_id, livemode, subscription_id order by version_at, version_rank, version_order
        ) as items_before
    from version
),

present as (
    select version.*, item.*
    from version
    cross join lateral jsonb_array_elements(version.items) as element
    cross join lateral staging.subscription_item(element) as item
),

removed as (
    select succession.*, item.*
    from succession
    cross join lateral jsonb_array_elements(succession.items_before) as element
    cross join lateral staging.subscription_item(element) as item
    where
        -- an item beyond the embedded page is not gone
        not succession.has_more_items
        and not exists (
            select 1
            from jsonb_array_elements(succession.items) as still
            where still ->> 'id' = item.subscription_item_id
        )
),

final as (
    select
        account_id, livemode, subscription_item_id, subscription_id, price_id, product_id, currency, interval_unit,
        usage_type, unit_amount_minor, interval_count, quantity, discounts, metadata, created_at, version_at,
        version_rank, version_order
    from present
    union all
    select
        account_id, livemode, subscription_item_id, subscription_id, price_id, product_id, currency, interval_unit,
        usage_type, unit_amount_minor, interval_count, quantity, discounts, metadata, created_at, version_at,
        3::smallint as version_rank,
        version_order
    from removed
)

select * from final;

select ops.apply_history();
