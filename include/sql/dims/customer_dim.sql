/* Grain: one row per customer and stretch without a change. Who pays. */
select ops.begin_model('customer_dim', touching => '{customer}');
select ops.read_touched('customer');
select ops.apply_history();
