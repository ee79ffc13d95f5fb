/* Grain: one row per currency, month and basis (ended, started). Of the trials, how many came to pay. */
create materialized view mart.trial_conversion_monthly as
with trial as (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        s.currency,
        first_trial.trial_start_at,
        least(first_trial.trial_end_at, s.ended_at) as trial_ended_at
    from dwh.subscription_dim as s
    inner join ops.first_trial as first_trial
        on
            s.account_id = first_trial.account_id
            and s.livemode = first_trial.livemode
            and s.subscription_id = first_trial.subscription_id
    inner join ops.reported_mode as mode on s.livemode = mode.livemode
    where s.is_current and s.currency is not null and first_trial.trial_start_at < first_trial.trial_end_at
),

billed as (
    select
        trial.account_id,
        trial.livemode,
        trial.subscription_id,
        i.invoice_id,
        i.created_at,
        i.created_at < trial.trial_start_at as is_before,
        i.status = 'paid'
        and coalesce(i.paid_at, i.finalized_at, i.created_at) < trial.trial_ended_at + interval '30 days' as is_paid
    from trial
    inner join dwh.invoice_fact as i
        on
            trial.account_id = i.account_id
            and trial.livemode = i.livemode
            and trial.subscription_id = i.subscription_id
    where
        i.total_minor > 0
        and i.status not in ('draft', 'void')
        and i.deleted_at is null
        -- what is billed as a trial begins, a set-up fee, is not what comes after it
        and (i.created_at < trial.trial_start_at or i.created_at >= trial.trial_ended_at)
),

first_invoice as (
    -- the first above 0 after the trial, whenever it was
    select distinct on (account_id, livemode, subscription_id) account_id, livemode, subscription_id, is_paid
    from billed
    where not is_before
    order by account_id asc, livemode asc, subscription_id asc, created_at asc, invoice_id asc
),

decided as (
    select trial.*, coalesce(first_invoice.is_paid, false) as is_converted
    from trial
    left join first_invoice using (account_id, livemode, subscription_id)
    -- a free period of somebody who was billed before is no trial
    where
        not exists (
            select 1
            from billed
            where
                billed.account_id = trial.account_id
                and billed.livemode = trial.livemode
                and billed.subscription_id = trial.subscription_id
                and billed.is_before
        )
),

summed as (
    select
        d.account_id,
        d.livemode,
        d.currency,
        basis.basis,
        date_trunc('month', basis.at at time zone policy.value)::date as month,
        count(*) as trials,
        count(*) filter (where d.is_converted) as converted_trials,
        max(d.trial_ended_at at time zone policy.value) as last_ended_at
    from decided as d
    cross join lateral (values ('ended', d.trial_ended_at), ('started', d.trial_start_at)) as basis (basis, at)
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
    group by
        d.account_id,
        d.livemode,
        d.currency,
        basis.basis,
        date_trunc('month', basis.at at time zone policy.value)::date
),

-- once, not for each row
known as materialized (
    select span.account_id, span.livemode, reach.complete_until, reach.reached_until
    from (
        select account_id, livemode, min(month) as first_month
        from summed
        group by account_id, livemode
    ) as span
    cross join lateral ops.complete_span(span.account_id, span.livemode, span.first_month) as reach
),

final as (
    select
        summed.account_id,
        summed.livemode,
        summed.currency,
        summed.basis,
        summed.month,
        summed.trials,
        summed.converted_trials,
        summed.converted_trials::numeric / summed.trials as conversion_rate,
        greatest(summed.last_ended_at, summed.month + interval '1 month') + interval '30 days'
        <= known.complete_until as is_complete
    from summed
    inner join known on summed.account_id = known.account_id and summed.livemode = known.livemode
    -- what is to end in a month to come has not
    where summed.month <= known.reached_until
)

select * from final;

create unique index trial_conversion_monthly_key
on mart.trial_conversion_monthly (account_id, livemode, currency, basis, month);
comment on materialized view mart.trial_conversion_monthly is
'Grain: one row per currency, month, basis. conversion_rate = first invoice above 0 paid within 30 days / trials.';
comment on column mart.trial_conversion_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.trial_conversion_monthly.livemode is 'False for test data.';
comment on column mart.trial_conversion_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.trial_conversion_monthly.basis is
'ended: trials by the month in which they ended, or are to; started: by the month in which they started.';
comment on column mart.trial_conversion_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.trial_conversion_monthly.trials is
'Subscriptions with a trial, of customers who had not been billed for them before.';
comment on column mart.trial_conversion_monthly.converted_trials is
'Those whose first invoice above 0 was paid before 30 days after the trial had ended.';
comment on column mart.trial_conversion_monthly.conversion_rate is 'converted_trials / trials, 0 to 1.';
comment on column mart.trial_conversion_monthly.is_complete is
'Whether 30 days have passed since the last of the trials ended, and all events until then are known.';
