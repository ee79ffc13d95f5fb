/* Grain: one row per currency and month. How many subscribers left, whether they wanted to, and why. */
create materialized view mart.subscriber_churn_monthly as
with churn as (
    select
        m.account_id,
        m.livemode,
        m.currency,
        m.day,
        m.customer_id,
        m.held_change_of
    from ops.known_mrr_movement as m
    where m.movement = 'churn'
),

change as (
    select
        churn.*,
        c.subscription_id,
        c.changed_at,
        c.mrr_change_minor + c.paused_change_minor + c.trial_change_minor as change_minor,
        sum(c.mrr_change_minor) over (
            partition by
                churn.customer_id, churn.day, c.subscription_id, churn.currency, churn.account_id, churn.livemode
        ) < 0
        or coalesce((churn.held_change_of ->> c.subscription_id)::numeric < 0, false) as is_lost
    from churn
    inner join dwh.mrr_change_fact as c
        on
            churn.account_id = c.account_id
            and churn.livemode = c.livemode
            and churn.customer_id = c.customer_id
            and churn.currency = c.currency
            and churn.day = (c.changed_at at time zone (select ops.choice('reporting_timezone')))::date
),

-- the last subscription of the customer that ended on that day says why: one that was paid, or held
ended as (
    select distinct on (c.account_id, c.livemode, c.currency, c.customer_id, c.day)
        c.account_id,
        c.livemode,
        c.currency,
        c.day,
        c.customer_id,
        subscription.status,
        earlier.status as status_before,
        subscription.cancellation_reason,
        subscription.cancellation_feedback
    from change as c
    inner join dwh.subscription_dim as subscription
        on
            c.account_id = subscription.account_id
            and c.livemode = subscription.livemode
            and c.subscription_id = subscription.subscription_id
            and c.changed_at >= subscription.valid_from
            and c.changed_at < coalesce(subscription.valid_to, 'infinity')
    left join dwh.subscription_dim as earlier
        on
            subscription.account_id = earlier.account_id
            and subscription.livemode = earlier.livemode
            and subscription.subscription_id = earlier.subscription_id
            and subscription.valid_from = earlier.valid_to
    where c.change_minor < 0 and c.is_lost
    order by
        c.account_id asc, c.livemode asc, c.currency asc, c.customer_id asc, c.day asc, c.changed_at desc,
        c.subscription_id asc
),

reasoned as (
    select
        *,
        date_trunc('month', day)::date as month,
        case
            when cancellation_reason in ('payment_failed', 'payment_disputed') then 'involuntary'
            when status in ('unpaid', 'past_due', 'incomplete', 'incomplete_expired') then 'involuntary'
            -- Stripe gives up on a payment, and older documents give no reason
            when cancellation_reason is null and status_before in ('unpaid', 'past_due') then 'involuntary'
            when status = 'canceled' then 'voluntary'
            else 'other'
        end as churn_type,
        case
            when cancellation_reason is not null then cancellation_reason
            when status <> 'canceled' then status
            when status_before in ('unpaid', 'past_due') then status_before
            else 'unknown'
        end as reason
    from ended
),

reason_count as (
    select account_id, livemode, currency, month, churn_type, reason, count(*) as customers
    from reasoned
    group by account_id, livemode, currency, month, churn_type, reason
),

counted as (
    select
        account_id,
        livemode,
        currency,
        month,
        coalesce(sum(customers) filter (where churn_type = 'voluntary'), 0)::bigint as voluntary_customers,
        coalesce(sum(customers) filter (where churn_type = 'involuntary'), 0)::bigint as involuntary_customers,
        coalesce(sum(customers) filter (where churn_type = 'other'), 0)::bigint as other_customers,
        jsonb_object_agg(churn_type || ': ' || reason, customers) as reasons
    from reason_count
    group by account_id, livemode, currency, month
),

feedback_count as (
    select account_id, livemode, currency, month, cancellation_feedback, count(*) as customers
    from reasoned
    where cancellation_feedback is not null
    group by account_id, livemode, currency, month, cancellation_feedback
),

feedback as (
    select account_id, livemode, currency, month, jsonb_object_agg(cancellation_feedback, customers) as feedbacks
    from feedback_count
    group by account_id, livemode, currency, month
),

opened as (
    select
        *,
        coalesce(
            lag(subscribers) over (partition by account_id, livemode, currency order by month), 0
        ) as opening_customers
    from mart.mrr_movement_monthly
),

rated as (
    select
        opened.account_id,
        opened.livemode,
        opened.currency,
        opened.month,
        opened.opening_customers,
        opened.new_customers + opened.reactivated_customers as started_customers,
        opened.churned_customers,
        coalesce(counted.voluntary_customers, 0) as voluntary_customers,
        coalesce(counted.involuntary_customers, 0) as involuntary_customers,
        coalesce(counted.other_customers, 0) as other_customers,
        opened.churned_customers::numeric / nullif(
            opened.opening_customers
            + case (select ops.choice('churn_denominator'))
                when 'opening' then 0
                else opened.new_customers + opened.reactivated_customers
            end,
            0
        ) as churn_rate,
        opened.closing_mrr_minor / nullif(opened.paying_customers, 0) as arpu_minor,
        opened.closing_mrr_reporting_minor / nullif(opened.paying_customers, 0) as arpu_reporting_minor,
        coalesce(counted.reasons, '{}') as reasons,
        coalesce(feedback.feedbacks, '{}') as feedbacks,
        opened.is_complete
    from opened
    left join counted using (account_id, livemode, currency, month)
    left join feedback using (account_id, livemode, currency, month)
),

final as (
    select
        account_id,
        livemode,
        currency,
        month,
        opening_customers,
        started_customers,
        churned_customers,
        voluntary_customers,
        involuntary_customers,
        other_customers,
        churn_rate,
        arpu_minor,
        arpu_minor * (select dwh.gross_margin()) / nullif(churn_rate, 0) as ltv_minor,
        arpu_reporting_minor,
        arpu_reporting_minor * (select dwh.gross_margin()) / nullif(churn_rate, 0) as ltv_reporting_minor,
        reasons,
        feedbacks,
        is_complete
    from rated
)

select * from final;

create unique index subscriber_churn_monthly_key
on mart.subscriber_churn_monthly (account_id, livemode, currency, month);
comment on materialized view mart.subscriber_churn_monthly is
'Grain: one row per currency and month. Churn = churned / (active as it began + started in it); LTV = ARPU / churn.';
comment on column mart.subscriber_churn_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.subscriber_churn_monthly.livemode is 'False for test data.';
comment on column mart.subscriber_churn_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.subscriber_churn_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.subscriber_churn_monthly.opening_customers is
'Subscribers as the month begins: customers with MRR, or with some that is paused or free for a time.';
comment on column mart.subscriber_churn_monthly.started_customers is
'Times that a customer began, or began again, to have MRR.';
comment on column mart.subscriber_churn_monthly.churned_customers is
'Times that a customer left: one who comes back and leaves again counts twice.';
comment on column mart.subscriber_churn_monthly.voluntary_customers is
'Of those, the ones whose subscription was canceled for no failed payment that is known.';
comment on column mart.subscriber_churn_monthly.involuntary_customers is
'Of those, the ones whose payment failed or was disputed.';
comment on column mart.subscriber_churn_monthly.other_customers is
'Of those, the ones whose subscription goes on without MRR: a discount of all of it, a free plan.';
comment on column mart.subscriber_churn_monthly.churn_rate is
'churned_customers / (opening_customers + started_customers), or / opening_customers (policy churn_denominator).';
comment on column mart.subscriber_churn_monthly.arpu_minor is
'Average revenue per customer: MRR as the month ends / customers with MRR then; null without customers.';
comment on column mart.subscriber_churn_monthly.ltv_minor is
'Lifetime value: arpu_minor x dwh.gross_margin() / churn_rate; null when nobody left, never infinite.';
comment on column mart.subscriber_churn_monthly.arpu_reporting_minor is
'arpu_minor in the reporting currency, its minor units, by the rate of the month''s last day; null without one.';
comment on column mart.subscriber_churn_monthly.ltv_reporting_minor is 'ltv_minor in the reporting currency, likewise.';
comment on column mart.subscriber_churn_monthly.reasons is
'Customers by kind and reason, as Stripe gives it: {"voluntary: cancellation_requested": 3}.';
comment on column mart.subscriber_churn_monthly.feedbacks is
'Customers by the feedback that they gave when they canceled: {"too_expensive": 2}.';
comment on column mart.subscriber_churn_monthly.is_complete is 'As in mrr_movement_monthly.';
