/* Check: a surrogate key names one row, and an object has one current row. Layer: dwh. */
select 'customer_dim' as dim, 'surrogate key' as key, customer_sk::text as value, count(*) as row_count
from dwh.customer_dim
group by customer_sk
having count(*) > 1
union all
select 'customer_dim', 'current row', concat_ws('/', account_id, livemode, customer_id), count(*) filter (where is_current)
from dwh.customer_dim
group by account_id, livemode, customer_id
having count(*) filter (where is_current) <> 1
union all
select 'product_dim' as dim, 'surrogate key' as key, product_sk::text as value, count(*) as row_count
from dwh.product_dim
group by product_sk
having count(*) > 1
union all
select 'product_dim', 'current row', concat_ws('/', account_id, livemode, product_id), count(*) filter (where is_current)
from dwh.product_dim
group by account_id, livemode, product_id
having count(*) filter (where is_current) <> 1
union all
select 'price_dim' as dim, 'surrogate key' as key, price_sk::text as value, count(*) as row_count
from dwh.price_dim
group by price_sk
having count(*) > 1
union all
select 'price_dim', 'current row', concat_ws('/', account_id, livemode, price_id), count(*) filter (where is_current)
from dwh.price_dim
group by account_id, livemode, price_id
having count(*) filter (where is_current) <> 1
union all
select 'subscription_dim' as dim, 'surrogate key' as key, subscription_sk::text as value, count(*) as row_count
from dwh.subscription_dim
group by subscription_sk
having count(*) > 1
union all
select 'subscription_dim', 'current row', concat_ws('/', account_id, livemode, subscription_id), count(*) filter (where is_current)
from dwh.subscription_dim
group by account_id, livemode, subscription_id
having count(*) filter (where is_current) <> 1
union all
select 'subscription_item_dim' as dim, 'surrogate key' as key, subscription_item_sk::text as value, count(*) as row_count
from dwh.subscription_item_dim
group by subscription_item_sk
having count(*) > 1
union all
select 'subscription_item_dim', 'current row', concat_ws('/', account_id, livemode, subscription_item_id), count(*) filter (where is_current)
from dwh.subscription_item_dim
group by account_id, livemode, subscription_item_id
having count(*) filter (where is_current) <> 1
