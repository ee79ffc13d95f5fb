/* Grain: one row per subscription and reason to worry. Who may leave soon, why, and what that would cost. */
create materialized view mart.churn_risk as
with subscription as (
    select s.*
    from dwh.subscription_dim as s
    inner join ops.reported_mode as mode on s.livemode = mode.livemode
    where s.is_current and s.deleted_at is null and s.status in ('trialing', 'active', 'past_due', 'unpaid')
),

clock as (
    -- now is where the data reaches
    select
        seen.account_id,
        seen.livemode,
        reach.data_through,
        (reach.data_through at time zone (select ops.choice('reporting_timezone')))::date as day
    from (select distinct account_id, livemode from subscription) as seen
    cross join lateral ops.account_reach(seen.account_id, seen.livemode) as reach
),

past_due as (
    -- since the first of the rows in a row
    select s.account_id, s.livemode, s.subscription_id, min(behind.valid_from) as since
    from subscription as s
    inner join dwh.subscription_dim as behind
        on
            s.account_id = behind.account_id
            and s.livemode = behind.livemode
            and s.subscription_id = behind.subscription_id
    where
        s.status in ('past_due', 'unpaid')
        and behind.valid_from > coalesce(
            (
                select max(fine.valid_from)
                from dwh.subscription_dim as fine
                where
                    fine.account_id = s.account_id
                    and fine.livemode = s.livemode
                    and fine.subscription_id = s.subscription_id
                    and fine.status not in ('past_due', 'unpaid')
            ),
            '-infinity'
        )
    group by s.account_id, s.livemode, s.subscription_id
),

card as (
    -- the subscription's own payment method, or else the customer's
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        method.payment_method_id,
        make_date(method.exp_year, method.exp_month, 1) + interval '1 month' as expires_at
    from subscription as s
    left join dwh.customer_dim as customer
        on
            s.account_id = customer.account_id
            and s.livemode = customer.livemode
            and s.customer_id = customer.customer_id
            and customer.is_current
    inner join dwh.payment_method_dim as method
        on
            s.account_id = method.account_id
            and s.livemode = method.livemode
            and coalesce(s.default_payment_method_id, customer.default_payment_method_id) = method.payment_method_id
    where
        method.exp_year between 2000 and 2999
        and method.exp_month between 1 and 12
        and coalesce(s.collection_method, 'charge_automatically') = 'charge_automatically'
),

reason as (
    select account_id, livemode, subscription_id, status as reason, since as at, null as payment_method_id
    from past_due
    inner join subscription using (account_id, livemode, subscription_id)
    union all
    select
        account_id,
        livemode,
        subscription_id,
        'cancel_scheduled',
        coalesce(cancel_at, current_period_end_at),
        null
    from subscription
    where is_cancel_at_period_end or cancel_at is not null
    union all
    select
        card.account_id,
        card.livemode,
        card.subscription_id,
        'card_expiring',
        card.expires_at at time zone 'UTC',
        card.payment_method_id
    from card
    inner join clock on card.account_id = clock.account_id and card.livemode = clock.livemode
    where
        card.expires_at at time zone 'UTC'
        <= clock.data_through + make_interval(days => (select ops.choice('card_expiry_days'))::integer)
),

worth as (
    select
        m.account_id,
        m.livemode,
        m.subscription_id,
        sum(m.mrr_change_minor) as mrr_minor
    from dwh.mrr_change_fact as m
    inner join (select distinct account_id, livemode, subscription_id from reason) as risky
        on
            m.account_id = risky.account_id
            and m.livemode = risky.livemode
            and m.subscription_id = risky.subscription_id
    inner join clock on m.account_id = clock.account_id and m.livemode = clock.livemode
    where m.changed_at <= clock.data_through
    group by m.account_id, m.livemode, m.subscription_id
),

final as (
    select
        reason.account_id,
        reason.livemode,
        reason.subscription_id,
        reason.reason,
        s.customer_id,
        s.status,
        s.currency,
        reason.payment_method_id,
        coalesce(worth.mrr_minor, 0) as mrr_minor,
        reason.at,
        ops.converted(coalesce(worth.mrr_minor, 0), rate.rate) as mrr_reporting_minor
    from reason
    inner join subscription as s
        on
            reason.account_id = s.account_id
            and reason.livemode = s.livemode
            and reason.subscription_id = s.subscription_id
    left join worth
        on
            reason.account_id = worth.account_id
            and reason.livemode = worth.livemode
            and reason.subscription_id = worth.subscription_id
    left join clock on reason.account_id = clock.account_id and reason.livemode = clock.livemode
    left join mart.reporting_rate_daily as rate on s.currency = rate.currency and clock.day = rate.day
)

select * from final;

create unique index churn_risk_key on mart.churn_risk (account_id, livemode, subscription_id, reason);
comment on materialized view mart.churn_risk is
'Grain: one row per subscription that runs and reason for which it may be lost. Its MRR counts once for each reason.';
comment on column mart.churn_risk.account_id is 'Stripe account (acct_...).';
comment on column mart.churn_risk.livemode is 'False for test data.';
comment on column mart.churn_risk.subscription_id is 'Stripe id (sub_...).';
comment on column mart.churn_risk.reason is
'past_due, unpaid, cancel_scheduled, or card_expiring: within policy card_expiry_days, or expired already.';
comment on column mart.churn_risk.customer_id is 'Customer who subscribed.';
comment on column mart.churn_risk.status is 'Status of the subscription: trialing, active, past_due or unpaid.';
comment on column mart.churn_risk.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.churn_risk.payment_method_id is 'The card of card_expiring.';
comment on column mart.churn_risk.mrr_minor is
'MRR that may be lost, minor units; 0 for what is not MRR (a trial, unpaid).';
comment on column mart.churn_risk.at is
'Since when it is past due or unpaid, when it ends, or from when on the card is refused.';
comment on column mart.churn_risk.mrr_reporting_minor is
'mrr_minor in the reporting currency, its minor units, by the rate of the day the data reaches; null without one.';
