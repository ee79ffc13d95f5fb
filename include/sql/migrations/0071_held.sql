/* What moved into pauses and free periods is held: it is called so. */
alter table dwh.mrr_movement_fact rename column paused_minor to held_change_minor;
comment on table dwh.mrr_movement_fact is
'Grain: one row per customer, currency and day on which the MRR of the customer changed, or what is held of it. '
'closing MRR = opening MRR + movement - held change; the movements of a month and of a cohort are sums over it.';
comment on column dwh.mrr_movement_fact.held_change_minor is
'By how much what is held grew: what moved from MRR into pauses and free periods, minor units; negative for what left '
'them, back to MRR or for good.';
