/* Grain: one row per product and stretch without a change. What is sold. */
select ops.begin_model('product_dim', touching => '{product}');
select ops.read_touched('product');
select ops.apply_history();
