/* Grain: one row per currency, month and failure code. Of payments whose first attempt failed, what became of them. */
create materialized view mart.payment_recovery_monthly as
with charge as (
    -- a payment is what one payment intent collects, through one charge or several; before there were such, an invoice
    select
        c.*,
        coalesce(c.payment_intent_id, c.invoice_id, c.charge_id) as payment_id
    from dwh.charge_fact as c
    inner join ops.reported_mode as mode on c.livemode = mode.livemode
    where c.created_at is not null and c.currency is not null
),

failed as (
    select distinct account_id, livemode, payment_id
    from charge
    where status = 'failed'
),

payment as (
    select
        charge.account_id,
        charge.livemode,
        charge.payment_id,
        max(charge.payment_intent_id) as payment_intent_id,
        max(charge.invoice_id) as invoice_id,
        min(charge.currency) as currency,
        count(*) as attempts,
        min(charge.created_at) as failed_at,
        max(charge.created_at) as tried_at,
        -- of two in one second, the one that failed was first
        (array_agg(charge.status order by charge.created_at, charge.status = 'succeeded', charge.charge_id))[1]
            as first_status,
        (array_agg(charge.failure_code order by charge.created_at, charge.status = 'succeeded', charge.charge_id))[1]
            as failure_code,
        (array_agg(charge.amount_minor order by charge.created_at, charge.status = 'succeeded', charge.charge_id))[1]
            as amount_minor,
        sum(charge.amount_captured_minor) filter (where charge.status = 'succeeded') as recovered_minor
    from failed
    inner join charge
        on
            failed.account_id = charge.account_id
            and failed.livemode = charge.livemode
            and failed.payment_id = charge.payment_id
    group by charge.payment_id, charge.account_id, charge.livemode
),

reach as (
    select account.account_id, account.livemode, known.data_through
    from (select distinct account_id, livemode from payment) as account
    cross join lateral ops.account_reach(account.account_id, account.livemode) as known
),

outcome as (
    select
        payment.*,
        (payment.failed_at at time zone (select ops.choice('reporting_timezone')))::date as day,
        -- looked up by their keys, for the few that were not recovered
        case
            when payment.recovered_minor > 0 then 'recovered'
            when exists (
                select 1
                from dwh.payment_intent_fact as intent
                where
                    payment.account_id = intent.account_id
                    and payment.livemode = intent.livemode
                    and payment.payment_intent_id = intent.payment_intent_id
                    and intent.status = 'canceled'
            ) then 'lost'
            -- nobody tries any more; an invoice that was paid otherwise was not paid by this
            when exists (
                select 1
                from dwh.invoice_fact as i
                where
                    payment.account_id = i.account_id
                    and payment.livemode = i.livemode
                    -- newer shapes do not name the invoice
                    and i.invoice_id = coalesce(
                        payment.invoice_id,
                        (
                            select named.invoice_id
                            from mart.payment_intent_invoice as named
                            where
                                payment.account_id = named.account_id
                                and payment.livemode = named.livemode
                                and payment.payment_intent_id = named.payment_intent_id
                        )
                    )
                    and i.status in ('void', 'uncollectible', 'paid')
            ) then 'lost'
            when
                payment.tried_at + make_interval(days => (select ops.choice('recovery_days'))::integer)
                < reach.data_through
                then 'lost'
            else 'open'
        end as outcome
    from payment
    left join reach on payment.account_id = reach.account_id and payment.livemode = reach.livemode
    where payment.first_status = 'failed'
),

daily as (
    select
        account_id,
        livemode,
        currency,
        day,
        coalesce(failure_code, 'unknown') as failure_code,
        count(*) as failed_payments,
        count(*) filter (where attempts > 1) as retried_payments,
        count(*) filter (where outcome = 'recovered') as recovered_payments,
        count(*) filter (where outcome = 'lost') as lost_payments,
        count(*) filter (where outcome = 'open') as open_payments,
        sum(attempts) as attempts,
        sum(amount_minor) as failed_minor,
        coalesce(sum(recovered_minor) filter (where outcome = 'recovered'), 0) as recovered_minor,
        coalesce(sum(amount_minor) filter (where outcome = 'lost'), 0) as lost_minor
    from outcome
    group by account_id, livemode, currency, day, coalesce(failure_code, 'unknown')
),

summed as (
    select
        daily.account_id,
        daily.livemode,
        daily.currency,
        date_trunc('month', daily.day)::date as month,
        daily.failure_code,
        sum(daily.failed_payments)::bigint as failed_payments,
        sum(daily.retried_payments)::bigint as retried_payments,
        sum(daily.recovered_payments)::bigint as recovered_payments,
        sum(daily.lost_payments)::bigint as lost_payments,
        sum(daily.open_payments)::bigint as open_payments,
        sum(daily.attempts)::bigint as attempts,
        sum(daily.failed_minor) as failed_minor,
        sum(daily.recovered_minor) as recovered_minor,
        sum(daily.lost_minor) as lost_minor,
        dwh.whole_sum(ops.converted(daily.failed_minor, rate.rate)) as failed_reporting_minor,
        dwh.whole_sum(ops.converted(daily.recovered_minor, rate.rate)) as recovered_reporting_minor,
        dwh.whole_sum(ops.converted(daily.lost_minor, rate.rate)) as lost_reporting_minor
    from daily
    left join mart.reporting_rate_daily as rate on daily.currency = rate.currency and daily.day = rate.day
    group by daily.account_id, daily.livemode, daily.currency, date_trunc('month', daily.day), daily.failure_code
),

-- once, not for each row
calendar as materialized (
    select span.account_id, span.livemode, period.starts_on as month, period.is_complete
    from (
        select account_id, livemode, min(month) as first_month
        from summed
        group by account_id, livemode
    ) as span
    cross join
        lateral ops.complete_periods(span.account_id, span.livemode, span.first_month, interval '1 month') as period
),

final as (
    select
        summed.account_id,
        summed.livemode,
        summed.currency,
        summed.month,
        summed.failure_code,
        summed.failed_payments,
        summed.retried_payments,
        summed.recovered_payments,
        summed.lost_payments,
        summed.open_payments,
        summed.attempts,
        summed.failed_minor,
        summed.recovered_minor,
        summed.lost_minor,
        summed.recovered_payments::numeric / summed.failed_payments as recovery_rate,
        coalesce(calendar.is_complete, false) and summed.open_payments = 0 as is_complete,
        summed.failed_reporting_minor,
        summed.recovered_reporting_minor,
        summed.lost_reporting_minor
    from summed
    left join calendar
        on
            summed.account_id = calendar.account_id
            and summed.livemode = calendar.livemode
            and summed.month = calendar.month
)

select * from final;

create unique index payment_recovery_monthly_key
on mart.payment_recovery_monthly (account_id, livemode, currency, month, failure_code);
comment on materialized view mart.payment_recovery_monthly is
'Grain: one row per currency, month and failure code. failed = recovered + lost + open; rate = recovered / failed.';
comment on column mart.payment_recovery_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.payment_recovery_monthly.livemode is 'False for test data.';
comment on column mart.payment_recovery_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.payment_recovery_monthly.month is 'Month of the first attempt, in the reporting time zone.';
comment on column mart.payment_recovery_monthly.failure_code is
'Why the first attempt failed: card_declined, expired_card, ...; unknown where Stripe does not say.';
comment on column mart.payment_recovery_monthly.failed_payments is
'Payments (payment intents, or invoices in older shapes) whose first attempt failed.';
comment on column mart.payment_recovery_monthly.retried_payments is 'Those that were attempted again.';
comment on column mart.payment_recovery_monthly.recovered_payments is
'Those of which a later attempt succeeded, whenever that was.';
comment on column mart.payment_recovery_monthly.lost_payments is
'Those that nobody tries any more: canceled, invoice void, given up or paid otherwise, or for policy recovery_days.';
comment on column mart.payment_recovery_monthly.open_payments is 'Those that may still be recovered.';
comment on column mart.payment_recovery_monthly.attempts is 'Attempts at all of them, the first ones included.';
comment on column mart.payment_recovery_monthly.failed_minor is 'Sum of their amounts, minor units.';
comment on column mart.payment_recovery_monthly.recovered_minor is 'What the later attempts took, minor units.';
comment on column mart.payment_recovery_monthly.lost_minor is 'Sum of the amounts of lost_payments, minor units.';
comment on column mart.payment_recovery_monthly.recovery_rate is 'recovered_payments / failed_payments, 0 to 1.';
comment on column mart.payment_recovery_monthly.is_complete is
'Whether all events of the month have been fetched and loaded, no open gap touches it, and no payment is open.';
comment on column mart.payment_recovery_monthly.failed_reporting_minor is
'failed_minor in the reporting currency, by the rate of the day of each first attempt; null where one has none.';
comment on column mart.payment_recovery_monthly.recovered_reporting_minor is
'recovered_minor, likewise: by the rate of the first attempt, so that it is a share of failed_reporting_minor.';
comment on column mart.payment_recovery_monthly.lost_reporting_minor is 'lost_minor, likewise.';
