/* Grain: one row per subscription that had a trial: the first one. Free time that is given later looks like a trial. */
create view ops.first_trial as
select distinct on (subscription_id, account_id, livemode)
    account_id,
    livemode,
    subscription_id,
    trial_start_at,
    trial_end_at
from dwh.subscription_dim
where trial_start_at is not null
-- it may have been made longer, or shorter
order by subscription_id asc, account_id asc, livemode asc, trial_start_at asc, valid_from desc;
comment on view ops.first_trial is
'Grain: one row per subscription that had a trial, with the first one as it was last known. Stripe shows on a '
'subscription only its newest trial, which may be free time for somebody who had paid.';
comment on column ops.first_trial.account_id is 'See dwh.subscription_dim.account_id.';
comment on column ops.first_trial.livemode is 'See dwh.subscription_dim.livemode.';
comment on column ops.first_trial.subscription_id is 'See dwh.subscription_dim.subscription_id.';
comment on column ops.first_trial.trial_start_at is 'When the first trial began.';
comment on column ops.first_trial.trial_end_at is 'When it ends or ended, by what was said of it last.';
