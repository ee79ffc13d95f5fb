/* Grain: one row per payout. What it should be by the balance transactions that it took along, and what it is. */
create materialized view mart.payout_reconciliation as
with paid_out as (
    select
        took.account_id,
        took.livemode,
        took.payout_id,
        count(*) as transactions,
        count(b.net_minor) as known_transactions,
        coalesce(
            sum(b.amount_minor) filter (where b.balance_transaction_type in ('charge', 'payment')), 0
        ) as charges_minor,
        coalesce(sum(b.fee_minor), 0) as fees_minor,
        coalesce(
            sum(b.amount_minor) filter (where b.balance_transaction_type not in ('charge', 'payment')), 0
        ) as others_minor,
        coalesce(sum(b.net_minor), 0) as transactions_net_minor
    from dwh.payout_transaction_fact as took
    inner join ops.reported_mode as mode on took.livemode = mode.livemode
    inner join dwh.payout_fact as p
        on
            took.account_id = p.account_id
            and took.livemode = p.livemode
            and took.payout_id = p.payout_id
            -- its own transaction is what it took away
            and took.balance_transaction_id is distinct from p.balance_transaction_id
    left join dwh.balance_transaction_fact as b
        on
            took.account_id = b.account_id
            and took.livemode = b.livemode
            and took.balance_transaction_id = b.balance_transaction_id
    group by took.account_id, took.livemode, took.payout_id
),

final as (
    select
        p.account_id,
        p.livemode,
        p.payout_id,
        p.currency,
        p.status,
        p.amount_minor,
        -own.amount_minor as withdrawn_minor,
        paid_out.transactions,
        paid_out.charges_minor,
        paid_out.fees_minor,
        paid_out.others_minor,
        case
            when paid_out.known_transactions = paid_out.transactions then paid_out.transactions_net_minor
        end as transactions_net_minor,
        case
            when paid_out.known_transactions = paid_out.transactions
                then p.amount_minor - paid_out.transactions_net_minor
        end as difference_minor,
        p.is_automatic,
        case
            when p.reconciliation_status = 'not_applicable' or not p.is_automatic then 'not applicable'
            when paid_out.known_transactions < paid_out.transactions or paid_out.transactions is null then 'waiting'
            when p.amount_minor = paid_out.transactions_net_minor then 'equal'
            else 'different'
        end as result,
        p.created_at,
        (p.arrival_at at time zone 'UTC')::date as arrives_on,
        ops.converted(p.amount_minor, rate.rate) as amount_reporting_minor,
        ops.converted(-own.amount_minor, rate.rate) as withdrawn_reporting_minor,
        ops.converted(paid_out.charges_minor, rate.rate) as charges_reporting_minor,
        ops.converted(paid_out.fees_minor, rate.rate) as fees_reporting_minor,
        ops.converted(paid_out.others_minor, rate.rate) as others_reporting_minor
    from dwh.payout_fact as p
    inner join ops.reported_mode as mode on p.livemode = mode.livemode
    left join dwh.balance_transaction_fact as own
        on
            p.account_id = own.account_id
            and p.livemode = own.livemode
            and p.balance_transaction_id = own.balance_transaction_id
    left join paid_out
        on
            p.account_id = paid_out.account_id
            and p.livemode = paid_out.livemode
            and p.payout_id = paid_out.payout_id
    left join mart.reporting_rate_daily as rate
        on
            p.currency = rate.currency
            and (p.created_at at time zone (select ops.choice('reporting_timezone')))::date = rate.day
)

select * from final;

create unique index payout_reconciliation_key on mart.payout_reconciliation (account_id, livemode, payout_id);
comment on materialized view mart.payout_reconciliation is
'Grain: one row per payout. difference = amount - sum of the balance transactions that it paid out: 0.';
comment on column mart.payout_reconciliation.account_id is 'Stripe account (acct_...).';
comment on column mart.payout_reconciliation.livemode is 'False for test data.';
comment on column mart.payout_reconciliation.payout_id is 'Stripe id (po_...).';
comment on column mart.payout_reconciliation.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.payout_reconciliation.status is 'pending, in_transit, paid, failed or canceled.';
comment on column mart.payout_reconciliation.amount_minor is 'What the bank gets, minor units.';
comment on column mart.payout_reconciliation.withdrawn_minor is
'What its own balance transaction took from the balance; null while that is not known.';
comment on column mart.payout_reconciliation.transactions is
'Balance transactions that it paid out, its own not counted; null while nobody has listed them.';
comment on column mart.payout_reconciliation.charges_minor is 'Payments among them, before fees, minor units.';
comment on column mart.payout_reconciliation.fees_minor is 'Fees of all of them, minor units, positive.';
comment on column mart.payout_reconciliation.others_minor is
'Refunds, disputes, fees of their own, payouts that came back, ..., before fees, signed.';
comment on column mart.payout_reconciliation.transactions_net_minor is
'charges_minor + others_minor - fees_minor; null while one of them is not known.';
comment on column mart.payout_reconciliation.difference_minor is 'amount_minor - transactions_net_minor.';
comment on column mart.payout_reconciliation.is_automatic is 'Whether Stripe''s schedule made it.';
comment on column mart.payout_reconciliation.result is
'equal; different; waiting: for the list of transactions; not applicable: made by hand, Stripe keeps no list.';
comment on column mart.payout_reconciliation.created_at is 'When it was created.';
comment on column mart.payout_reconciliation.arrives_on is 'Day on which the bank should have it.';
comment on column mart.payout_reconciliation.amount_reporting_minor is
'amount_minor in the reporting currency, its minor units, by the rate of the day it was created; null without one.';
comment on column mart.payout_reconciliation.withdrawn_reporting_minor is 'withdrawn_minor, at the same rate.';
comment on column mart.payout_reconciliation.charges_reporting_minor is 'charges_minor, at the same rate.';
comment on column mart.payout_reconciliation.fees_reporting_minor is 'fees_minor, at the same rate.';
comment on column mart.payout_reconciliation.others_reporting_minor is 'others_minor, at the same rate.';
