/* Grain: one row per subscription and stretch without a change. Who was subscribed, in which state, and when. */
select ops.begin_model('subscription_dim', touching => '{subscription}');
select ops.read_touched('subscription');

-- they are rows of subscription_item_dim
alter table incoming drop column items, drop column has_more_items;

select ops.apply_history();
