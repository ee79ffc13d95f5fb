/* Grain: as dwh.mrr_movement_fact, in the modes that marts show, up to the day that the account's data reaches. */
create view ops.known_mrr_movement as
select
    m.account_id,
    m.livemode,
    m.customer_id,
    m.currency,
    m.day,
    m.movement,
    m.movement_minor,
    m.held_change_minor,
    m.held_change_of,
    m.opening_mrr_minor,
    m.closing_mrr_minor,
    m.closing_held_minor,
    m.first_paying_day
from dwh.mrr_movement_fact as m
inner join ops.mrr_reach as reach on m.account_id = reach.account_id and m.livemode = reach.livemode
where m.day <= reach.last_day;
comment on view ops.known_mrr_movement is
'Grain: one row of dwh.mrr_movement_fact whose day the data has reached. A list may show, and a discount may promise, '
'what events have yet to tell.';
comment on column ops.known_mrr_movement.account_id is 'See dwh.mrr_movement_fact.account_id.';
comment on column ops.known_mrr_movement.livemode is 'See dwh.mrr_movement_fact.livemode.';
comment on column ops.known_mrr_movement.customer_id is 'See dwh.mrr_movement_fact.customer_id.';
comment on column ops.known_mrr_movement.currency is 'See dwh.mrr_movement_fact.currency.';
comment on column ops.known_mrr_movement.day is 'See dwh.mrr_movement_fact.day.';
comment on column ops.known_mrr_movement.movement is 'See dwh.mrr_movement_fact.movement.';
comment on column ops.known_mrr_movement.movement_minor is 'See dwh.mrr_movement_fact.movement_minor.';
comment on column ops.known_mrr_movement.held_change_minor is 'See dwh.mrr_movement_fact.held_change_minor.';
comment on column ops.known_mrr_movement.held_change_of is 'See dwh.mrr_movement_fact.held_change_of.';
comment on column ops.known_mrr_movement.opening_mrr_minor is 'See dwh.mrr_movement_fact.opening_mrr_minor.';
comment on column ops.known_mrr_movement.closing_mrr_minor is 'See dwh.mrr_movement_fact.closing_mrr_minor.';
comment on column ops.known_mrr_movement.closing_held_minor is 'See dwh.mrr_movement_fact.closing_held_minor.';
comment on column ops.known_mrr_movement.first_paying_day is 'See dwh.mrr_movement_fact.first_paying_day.';
