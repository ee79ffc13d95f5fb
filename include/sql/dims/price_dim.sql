/* Grain: one row per price and stretch without a change. What it costs and how often. */
select ops.begin_model('price_dim', touching => '{price}');
select ops.read_touched('price');
select ops.apply_history();
