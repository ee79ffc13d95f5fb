/* Grain: one row per plan, month of start and renewal. Of what began then, how much paid its 1st, 2nd, ... renewal. */
create materialized view mart.renewal_cohort_by_plan as
with item as (
    select
        i.*,
        coalesce(i.interval_count, 1) || ' ' || i.interval_unit as cycle,
        min(i.valid_from) over (partition by i.subscription_id, i.account_id, i.livemode) as began_at
    from dwh.subscription_item_dim as i
    inner join ops.reported_mode as mode on i.livemode = mode.livemode
),

plan as (
    -- what a subscription began with: all that was in it at its first moment
    select distinct on (subscription_id, price_id, account_id, livemode)
        account_id,
        livemode,
        subscription_id,
        price_id,
        product_id,
        currency,
        subscription_item_id,
        interval_unit,
        coalesce(interval_count, 1) as interval_count,
        min(cycle) over whole <> max(cycle) over whole as is_mixed
    from item
    where valid_from = began_at and price_id is not null and interval_unit is not null
    window whole as (partition by subscription_id, account_id, livemode)
    order by subscription_id asc, price_id asc, account_id asc, livemode asc, subscription_item_id asc
),

subscription as (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        coalesce(s.started_at, s.created_at) as started_at,
        date_trunc('month', coalesce(s.started_at, s.created_at) at time zone policy.value)::date as cohort_month,
        case
            -- a free period later on is no trial
            when first_trial.trial_start_at > coalesce(s.started_at, s.created_at) + interval '12 hours'
                then coalesce(s.started_at, s.created_at)
            else greatest(coalesce(s.started_at, s.created_at), first_trial.trial_end_at)
        end as paid_from,
        s.ended_at
    from dwh.subscription_dim as s
    inner join ops.reported_mode as mode on s.livemode = mode.livemode
    left join ops.first_trial as first_trial
        on
            s.account_id = first_trial.account_id
            and s.livemode = first_trial.livemode
            and s.subscription_id = first_trial.subscription_id
    cross join ops.policy as policy
    where
        policy.name = 'reporting_timezone'
        and s.is_current
        -- one whose first invoice was never paid has not begun
        and s.status not in ('incomplete', 'incomplete_expired')
),

renewal as (
    select
        plan.account_id,
        plan.livemode,
        plan.subscription_id,
        plan.price_id,
        i.status = 'paid' as is_paid,
        row_number() over (
            -- what tells rows apart comes first: most comparisons of the sort end with it
            partition by plan.subscription_id, plan.price_id, plan.account_id, plan.livemode
            order by i.created_at, i.invoice_id
        ) as renewal
    from plan
    inner join subscription as s
        on
            plan.account_id = s.account_id
            and plan.livemode = s.livemode
            and plan.subscription_id = s.subscription_id
    inner join dwh.invoice_fact as i
        on
            s.account_id = i.account_id
            and s.livemode = i.livemode
            and s.subscription_id = i.subscription_id
    where
        -- older shapes do not tell the reason, or not this exactly
        coalesce(i.billing_reason, 'subscription') in ('subscription_cycle', 'subscription')
        and i.deleted_at is null
        -- the invoice by which a trial becomes paid is the first, and no renewal; the last one, for what was used until
        -- the end, renews nothing
        and i.created_at > s.paid_from + interval '12 hours'
        and (s.ended_at is null or i.created_at < s.ended_at)
        -- beside a plan of another cycle, a plan is renewed by the invoices that bill it
        and (
            not plan.is_mixed
            or exists (
                select 1
                from dwh.invoice_line_fact as line
                where
                    line.account_id = i.account_id
                    and line.livemode = i.livemode
                    and line.invoice_id = i.invoice_id
                    and (line.subscription_item_id = plan.subscription_item_id or line.price_id = plan.price_id)
                    and not coalesce(line.is_proration, false)
            )
        )
),

cohort as (
    select
        plan.account_id,
        plan.livemode,
        plan.price_id,
        max(plan.product_id) as product_id,
        max(plan.currency) as currency,
        max(plan.interval_unit) as interval_unit,
        max(plan.interval_count) as interval_count,
        s.cohort_month,
        count(*) as started_subscriptions,
        max(s.paid_from - s.started_at) as longest_trial
    from plan
    inner join subscription as s
        on
            plan.account_id = s.account_id
            and plan.livemode = s.livemode
            and plan.subscription_id = s.subscription_id
    where s.started_at is not null
    group by
        plan.account_id,
        plan.livemode,
        plan.price_id,
        s.cohort_month
),

paid as (
    select
        plan.account_id,
        plan.livemode,
        plan.price_id,
        s.cohort_month,
        renewal.renewal,
        count(*) as billed_subscriptions,
        count(*) filter (where renewal.is_paid) as renewed_subscriptions
    from plan
    inner join subscription as s
        on
            plan.account_id = s.account_id
            and plan.livemode = s.livemode
            and plan.subscription_id = s.subscription_id
    inner join renewal
        on
            plan.account_id = renewal.account_id
            and plan.livemode = renewal.livemode
            and plan.subscription_id = renewal.subscription_id
            and plan.price_id = renewal.price_id
    group by
        s.cohort_month,
        renewal.renewal,
        plan.price_id,
        plan.account_id,
        plan.livemode
),

-- once, not for each row
known as materialized (
    select span.account_id, span.livemode, reach.complete_until, reach.reached_until
    from (
        select account_id, livemode, min(cohort_month) as first_month
        from cohort
        group by account_id, livemode
    ) as span
    cross join lateral ops.complete_span(span.account_id, span.livemode, span.first_month) as reach
),

due as (
    select
        cohort.*,
        known.complete_until,
        listed.renewal,
        cohort.cohort_month + interval '1 month'
        + listed.renewal * cohort.interval_count * ('1 ' || cohort.interval_unit)::interval
        + cohort.longest_trial as all_due_at
    from cohort
    inner join known on cohort.account_id = known.account_id and cohort.livemode = known.livemode
    left join (
        select account_id, livemode, price_id, cohort_month, max(renewal) as renewals
        from paid
        group by account_id, livemode, price_id, cohort_month
    ) as billed
        on
            cohort.account_id = billed.account_id
            and cohort.livemode = billed.livemode
            and cohort.price_id = billed.price_id
            and cohort.cohort_month = billed.cohort_month
    -- as many as the first of the month can have come to, or have on another plan; the first in any case
    cross join
        lateral (
            select count(*) as renewals
            from generate_series(
                cohort.cohort_month + cohort.interval_count * ('1 ' || cohort.interval_unit)::interval,
                known.reached_until::timestamp,
                cohort.interval_count * ('1 ' || cohort.interval_unit)::interval
            )
        ) as possible
    cross join
        lateral generate_series(1, greatest(possible.renewals, billed.renewals, 1)::integer) as listed (renewal)
),

final as (
    select
        due.account_id,
        due.livemode,
        due.price_id,
        due.product_id,
        due.currency,
        due.interval_unit,
        due.interval_count,
        due.cohort_month,
        due.renewal,
        due.started_subscriptions,
        coalesce(paid.billed_subscriptions, 0) as billed_subscriptions,
        coalesce(paid.renewed_subscriptions, 0) as renewed_subscriptions,
        coalesce(paid.renewed_subscriptions, 0)::numeric / due.started_subscriptions as renewal_rate,
        -- and retries take up to a month
        due.all_due_at + interval '1 month' <= due.complete_until as is_complete
    from due
    left join paid
        on
            due.account_id = paid.account_id
            and due.livemode = paid.livemode
            and due.price_id = paid.price_id
            and due.cohort_month = paid.cohort_month
            and due.renewal = paid.renewal
)

select * from final;

create unique index renewal_cohort_by_plan_key
on mart.renewal_cohort_by_plan (account_id, livemode, price_id, cohort_month, renewal);
comment on materialized view mart.renewal_cohort_by_plan is
'Grain: one row per plan, month of start and renewal. renewal_rate = paid their nth renewal / started on the plan.';
comment on column mart.renewal_cohort_by_plan.account_id is 'Stripe account (acct_...).';
comment on column mart.renewal_cohort_by_plan.livemode is 'False for test data.';
comment on column mart.renewal_cohort_by_plan.price_id is
'Plan that the subscriptions began with. One that began with several prices counts for each of them.';
comment on column mart.renewal_cohort_by_plan.product_id is 'Product of the price.';
comment on column mart.renewal_cohort_by_plan.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.renewal_cohort_by_plan.interval_unit is 'day, week, month or year.';
comment on column mart.renewal_cohort_by_plan.interval_count is 'Units between two renewals.';
comment on column mart.renewal_cohort_by_plan.cohort_month is
'Month in which the subscriptions started, in the reporting time zone; a trial is a start.';
comment on column mart.renewal_cohort_by_plan.renewal is
'1 is the first invoice of billing reason subscription_cycle after the first paid period, 2 the next, ...';
comment on column mart.renewal_cohort_by_plan.started_subscriptions is
'Subscriptions that started in the month on the plan: the same for every renewal.';
comment on column mart.renewal_cohort_by_plan.billed_subscriptions is 'Those of them that had an nth renewal invoice.';
comment on column mart.renewal_cohort_by_plan.renewed_subscriptions is
'Those of them whose nth renewal invoice is paid, whatever plan they are on by then.';
comment on column mart.renewal_cohort_by_plan.renewal_rate is 'renewed_subscriptions / started_subscriptions, 0 to 1.';
comment on column mart.renewal_cohort_by_plan.is_complete is
'Whether the renewal of all was due and a month of retries is over, and all events since the start are known.';
