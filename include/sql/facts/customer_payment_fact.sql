/* Grain: one row per customer, currency and day with a successful charge. Who paid when: marts of payments count it. */
select ops.begin_model('customer_payment_fact', upstream => '{transaction_fact}');

create temp table affected on commit drop as
with followed as (
    delete from ops.changed_customer
    where model = ops.ledger_name('transaction_fact')
    returning account_id, livemode, customer_id
)

select account_id, livemode, customer_id
from followed
union
-- nothing applied: a new table, or another time zone
select account_id, livemode, customer_id
from dwh.transaction_fact
where
    customer_id is not null
    and not exists (select 1 from ops.batch_applied where model = ops.ledger_name('customer_payment_fact'));
analyze affected;

create temp table incoming on commit drop as
with paid as (
    select
        t.account_id,
        t.livemode,
        t.customer_id,
        t.currency,
        (t.occurred_at at time zone (select ops.choice('reporting_timezone')))::date as day,
        count(*) as payments,
        sum(t.amount_minor)::bigint as revenue_minor,
        min(t.occurred_at) as first_paid_at,
        max(t.occurred_at) as last_paid_at
    from affected
    inner join dwh.transaction_fact as t using (account_id, livemode, customer_id)
    where t.transaction_type = 'charge' and t.occurred_at is not null
    -- what tells rows apart comes first: most comparisons of the sort end with it
    group by t.customer_id, t.account_id, t.livemode, t.currency, day
),

dated as (
    select
        *,
        date_trunc('month', day::timestamp)::date as month
    from paid
),

final as (
    select
        account_id,
        livemode,
        customer_id,
        currency,
        day,
        month,
        first_value(month) over history as first_month,
        last_value(month) over (history groups between unbounded preceding and 1 preceding) as previous_month,
        first_value(month) over (history groups between 1 following and unbounded following) as next_month,
        payments,
        revenue_minor,
        row_number() over (
            partition by customer_id, account_id, livemode, currency, month order by day
        ) = 1 as is_first_in_month,
        first_paid_at,
        last_paid_at
    from dated
    window history as (partition by customer_id, account_id, livemode, currency order by month)
)

select * from final;

delete from dwh.customer_payment_fact
using affected
where
    dwh.customer_payment_fact.account_id = affected.account_id
    and dwh.customer_payment_fact.livemode = affected.livemode
    and dwh.customer_payment_fact.customer_id = affected.customer_id;

insert into dwh.customer_payment_fact (
    account_id, livemode, customer_id, currency, day, month, first_month, previous_month, next_month, payments,
    revenue_minor, is_first_in_month, first_paid_at, last_paid_at
)
select
    account_id, livemode, customer_id, currency, day, month, first_month, previous_month, next_month, payments,
    revenue_minor, is_first_in_month, first_paid_at, last_paid_at
from incoming;

select ops.end_model((select count(*) from affected), (select count(*) from incoming));
