/* Discounts of the oldest shapes have no id: what they are on is found by their coupon, without reading all of it. */
create index customer_dim_bare_discounts on dwh.customer_dim using gin (discounts jsonb_path_ops)
where discounts @? '$[*].coupon';
create index subscription_dim_bare_discounts on dwh.subscription_dim using gin (discounts jsonb_path_ops)
where discounts @? '$[*].coupon';
create index subscription_item_dim_bare_discounts on dwh.subscription_item_dim using gin (discounts jsonb_path_ops)
where discounts @? '$[*].coupon';

delete from ops.batch_applied where model = 'mrr_change_fact';
