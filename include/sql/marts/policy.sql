/* Grain: one row per choice. Where businesses differ, what the numbers follow: for those who do not read ops. */
create view mart.policy as
select
    name as policy,
    value,
    description as meaning
from ops.policy;

comment on view mart.policy is 'Grain: one row per choice on which businesses differ. What the numbers follow.';
comment on column mart.policy.policy is 'What is chosen.';
comment on column mart.policy.value is 'The choice; the numbers follow with their next refresh.';
comment on column mart.policy.meaning is 'What it decides, and what else can be chosen.';
