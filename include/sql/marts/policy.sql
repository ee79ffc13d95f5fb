/* Grain: one row per choice. Where businesses differ, what the numbers follow: analysts cannot read ops. */
create view mart.policy as
select
    name,
    value,
    description
from ops.policy;

comment on view mart.policy is 'Grain: one row per choice on which businesses differ. What the numbers follow.';
comment on column mart.policy.name is 'Name of the choice.';
comment on column mart.policy.value is 'What was chosen; the numbers follow with their next refresh.';
comment on column mart.policy.description is 'What it decides, and what else can be chosen.';
