/* What is asked of results and differences is those of the newest run of a layer, and those of one comparison. */
drop index ops.check_result_latest;
create index check_result_newest on ops.check_result (layer, checked_at desc);
create index check_result_run on ops.check_result (run_id, layer);
create index reconciliation_slice on ops.reconciliation (reconciled_slice_id);
