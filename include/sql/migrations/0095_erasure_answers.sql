/* An erasure is approved or rejected by somebody, and the record says who. */
alter table ops.erasure add column answered_by text;
alter table ops.erasure add column rejected_at timestamptz;
alter table ops.erasure alter column erased_at drop not null;
alter table ops.erasure add constraint erasure_is_done_or_rejected check (num_nonnulls(erased_at, rejected_at) = 1);
comment on table ops.erasure is
'Grain: one row per customer, or payment of a guest, whose erasure was approved or rejected, in each account and mode '
'that has it, and run that asked. It holds no personal data of theirs but ids.';
comment on column ops.erasure.answered_by is
'Airflow user who approved the erasure, or rejected it; null where nobody was asked, as before there were approvals.';
comment on column ops.erasure.rejected_at is 'When it was rejected: nothing was erased. Null where it was done.';
comment on column ops.erasure.erased_at is 'When the raw layer was emptied of it; null where that was rejected.';
comment on column ops.erasure.run_id is 'DAG and run that asked, and erased.';
