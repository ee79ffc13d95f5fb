/* Grain: as dwh.mrr_change_fact, in the modes that marts show, up to the day that the account's data reaches. */
create view ops.known_mrr_change as
select
    c.account_id,
    c.livemode,
    c.customer_id,
    c.subscription_id,
    c.currency,
    c.price_id,
    c.product_id,
    c.mrr_change_minor,
    c.paused_change_minor,
    c.trial_change_minor,
    (c.changed_at at time zone (select ops.choice('reporting_timezone')))::date as day
from dwh.mrr_change_fact as c
inner join ops.mrr_reach as reach on c.account_id = reach.account_id and c.livemode = reach.livemode
where (c.changed_at at time zone (select ops.choice('reporting_timezone')))::date <= reach.last_day;
comment on view ops.known_mrr_change is
'Grain: one row of dwh.mrr_change_fact whose day the data has reached. A list may show, and a discount may promise, '
'what events have yet to tell.';
comment on column ops.known_mrr_change.account_id is 'See dwh.mrr_change_fact.account_id.';
comment on column ops.known_mrr_change.livemode is 'See dwh.mrr_change_fact.livemode.';
comment on column ops.known_mrr_change.customer_id is 'See dwh.mrr_change_fact.customer_id.';
comment on column ops.known_mrr_change.subscription_id is 'See dwh.mrr_change_fact.subscription_id.';
comment on column ops.known_mrr_change.currency is 'See dwh.mrr_change_fact.currency.';
comment on column ops.known_mrr_change.price_id is 'See dwh.mrr_change_fact.price_id.';
comment on column ops.known_mrr_change.product_id is 'See dwh.mrr_change_fact.product_id.';
comment on column ops.known_mrr_change.mrr_change_minor is 'See dwh.mrr_change_fact.mrr_change_minor.';
comment on column ops.known_mrr_change.paused_change_minor is 'See dwh.mrr_change_fact.paused_change_minor.';
comment on column ops.known_mrr_change.trial_change_minor is 'See dwh.mrr_change_fact.trial_change_minor.';
comment on column ops.known_mrr_change.day is 'Day of the change, in the reporting time zone.';
