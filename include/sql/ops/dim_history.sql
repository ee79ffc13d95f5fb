/* Grain: one row per row of every dimension with history. What the checks on history read. */
create view ops.dim_history as
select
    'customer_dim' as dim, account_id, livemode, customer_id as object_id, customer_sk as surrogate_key,
    valid_from, valid_to, is_current
from dwh.customer_dim
union all
select 'product_dim', account_id, livemode, product_id, product_sk, valid_from, valid_to, is_current
from dwh.product_dim
union all
select 'price_dim', account_id, livemode, price_id, price_sk, valid_from, valid_to, is_current
from dwh.price_dim
union all
select 'subscription_dim', account_id, livemode, subscription_id, subscription_sk, valid_from, valid_to, is_current
from dwh.subscription_dim
union all
select
    'subscription_item_dim', account_id, livemode, subscription_item_id, subscription_item_sk, valid_from,
    valid_to, is_current
from dwh.subscription_item_dim;
comment on view ops.dim_history is 'Grain: one row per row of every dimension with history.';
comment on column ops.dim_history.dim is 'The dimension.';
comment on column ops.dim_history.account_id is 'Stripe account (acct_...).';
comment on column ops.dim_history.livemode is 'False for test data.';
comment on column ops.dim_history.object_id is 'Stripe id of the object.';
comment on column ops.dim_history.surrogate_key is 'Its surrogate key.';
comment on column ops.dim_history.valid_from is 'Start of the stretch, inclusive.';
comment on column ops.dim_history.valid_to is 'End of the stretch, exclusive; null while open.';
comment on column ops.dim_history.is_current is 'Whether the stretch is open.';
