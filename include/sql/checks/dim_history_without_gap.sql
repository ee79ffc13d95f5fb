/* Check: an object's history is half-open, without gap or overlap, and ends open. Layer: dwh. */
with history as (
    select
        'customer_dim' as dim, account_id, livemode, customer_id as object_id, valid_from, valid_to, is_current,
        lead(valid_from) over (partition by account_id, livemode, customer_id order by valid_from) as next_from
    from dwh.customer_dim
    union all
    select
        'product_dim' as dim, account_id, livemode, product_id as object_id, valid_from, valid_to, is_current,
        lead(valid_from) over (partition by account_id, livemode, product_id order by valid_from) as next_from
    from dwh.product_dim
    union all
    select
        'price_dim' as dim, account_id, livemode, price_id as object_id, valid_from, valid_to, is_current,
        lead(valid_from) over (partition by account_id, livemode, price_id order by valid_from) as next_from
    from dwh.price_dim
    union all
    select
        'subscription_dim' as dim, account_id, livemode, subscription_id as object_id, valid_from, valid_to, is_current,
        lead(valid_from) over (partition by account_id, livemode, subscription_id order by valid_from) as next_from
    from dwh.subscription_dim
    union all
    select
        'subscription_item_dim' as dim, account_id, livemode, subscription_item_id as object_id, valid_from, valid_to, is_current,
        lead(valid_from) over (partition by account_id, livemode, subscription_item_id order by valid_from) as next_from
    from dwh.subscription_item_dim
)

select *
from history
where valid_to is distinct from next_from or valid_from >= valid_to or is_current <> (valid_to is null)
