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
    m.paused_minor,
    m.opening_mrr_minor,
    m.closing_mrr_minor,
    m.closing_held_minor,
    m.first_paying_day
from dwh.mrr_movement_fact as m
inner join ops.reported_mode as mode on m.livemode = mode.livemode
left join mart.freshness as own on m.account_id = own.account_id and m.livemode = own.livemode
-- a connected account is fetched with its platform: what all accounts have reached holds for it
cross join (select min(f.data_through) as data_through from mart.freshness as f) as everyone
where
    m.day
    <= (
        coalesce(own.data_through, everyone.data_through) at time zone (select ops.choice('reporting_timezone'))
    )::date;
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
comment on column ops.known_mrr_movement.paused_minor is 'See dwh.mrr_movement_fact.paused_minor.';
comment on column ops.known_mrr_movement.opening_mrr_minor is 'See dwh.mrr_movement_fact.opening_mrr_minor.';
comment on column ops.known_mrr_movement.closing_mrr_minor is 'See dwh.mrr_movement_fact.closing_mrr_minor.';
comment on column ops.known_mrr_movement.closing_held_minor is 'See dwh.mrr_movement_fact.closing_held_minor.';
comment on column ops.known_mrr_movement.first_paying_day is 'See dwh.mrr_movement_fact.first_paying_day.';
