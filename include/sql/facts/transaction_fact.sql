/* Grain: one signed row per movement of money (charge +, refund -, dispute -, its reversal +). Revenue is its sum. */
select ops.begin_model(
    'transaction_fact',
    touching => '{charge,refund,dispute,balance_transaction}',
    upstream => '{charge_fact,refund_fact,dispute_fact,balance_transaction_fact}'
);

create temp table affected on commit drop as
select account_id, livemode, object_type as source_type, object_id as source_id
from touched
where object_type <> 'balance_transaction'
union
-- a refund takes its customer from its charge, and older charges carry their refunds
select r.account_id, r.livemode, 'refund' as source_type, r.refund_id as source_id
from touched
inner join dwh.refund_fact as r
    on touched.account_id = r.account_id and touched.livemode = r.livemode and touched.object_id = r.charge_id
where touched.object_type = 'charge'
union
-- and its balance transaction tells whether it gave anything back
select r.account_id, r.livemode, 'refund' as source_type, r.refund_id as source_id
from touched
inner join dwh.refund_fact as r
    on
        touched.account_id = r.account_id
        and touched.livemode = r.livemode
        and touched.object_id = r.balance_transaction_id
where touched.object_type = 'balance_transaction'
union
select d.account_id, d.livemode, 'dispute' as source_type, d.dispute_id as source_id
from touched
inner join dwh.dispute_fact as d
    on touched.account_id = d.account_id and touched.livemode = d.livemode and touched.object_id = d.charge_id
where touched.object_type = 'charge';
analyze affected;

with gone as (
    delete from dwh.transaction_fact
    using
        affected,
        (
            values
            ('charge', 'charge'), ('refund', 'refund'), ('dispute', 'dispute'), ('dispute', 'dispute_reversal')
        ) as kind (source_type, transaction_type)
    where
        affected.source_type = kind.source_type
        and dwh.transaction_fact.account_id = affected.account_id
        and dwh.transaction_fact.livemode = affected.livemode
        and dwh.transaction_fact.transaction_type = kind.transaction_type
        and dwh.transaction_fact.source_id = affected.source_id
    returning dwh.transaction_fact.account_id, dwh.transaction_fact.livemode, dwh.transaction_fact.customer_id
)

-- who paid before is followed too: a charge may come to be another customer's
insert into ops.changed_customer (model, account_id, livemode, customer_id)
select distinct ops.ledger_name('transaction_fact'), account_id, livemode, customer_id
from gone
where customer_id is not null
on conflict do nothing;

create temp table incoming on commit drop as
select
    c.account_id, c.livemode, 'charge' as transaction_type, c.charge_id as source_id, c.date_sk, c.charge_id,
    c.customer_id, c.currency, c.amount_captured_minor as amount_minor, c.created_at as occurred_at
from affected as a
inner join dwh.charge_fact as c
    on a.account_id = c.account_id and a.livemode = c.livemode and a.source_id = c.charge_id
where a.source_type = 'charge' and c.status = 'succeeded' and c.amount_captured_minor > 0
union all
select
    r.account_id, r.livemode, 'refund', r.refund_id, r.date_sk, r.charge_id, c.customer_id, r.currency,
    -r.amount_minor, r.created_at
from affected as a
inner join dwh.refund_fact as r
    on a.account_id = r.account_id and a.livemode = r.livemode and a.source_id = r.refund_id
left join dwh.charge_fact as c
    on r.account_id = c.account_id and r.livemode = c.livemode and r.charge_id = c.charge_id
left join dwh.balance_transaction_fact as b
    on
        r.account_id = b.account_id
        and r.livemode = b.livemode
        and r.balance_transaction_id = b.balance_transaction_id
where
    a.source_type = 'refund'
    and r.amount_minor is not null
    and staging.is_money_back(
        r.status, r.has_balance_transaction, b.reporting_category, c.is_captured, c.amount_minor,
        c.amount_captured_minor
    )
union all
select
    d.account_id, d.livemode, movement.transaction_type, d.dispute_id, staging.date_sk(movement.occurred_at),
    d.charge_id, c.customer_id, d.currency, movement.amount_minor, movement.occurred_at
from affected as a
inner join dwh.dispute_fact as d
    on a.account_id = d.account_id and a.livemode = d.livemode and a.source_id = d.dispute_id
cross join
    lateral (
        values
        ('dispute', -d.withdrawn_minor, d.withdrawn_at),
        ('dispute_reversal', d.reinstated_minor, d.reinstated_at)
    ) as movement (transaction_type, amount_minor, occurred_at)
left join dwh.charge_fact as c
    on d.account_id = c.account_id and d.livemode = c.livemode and d.charge_id = c.charge_id
where a.source_type = 'dispute' and movement.amount_minor <> 0;

insert into dwh.transaction_fact (
    account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
    occurred_at
)
select
    account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
    occurred_at
from incoming;

insert into ops.changed_customer (model, account_id, livemode, customer_id)
select distinct ops.ledger_name('transaction_fact'), account_id, livemode, customer_id
from incoming
where customer_id is not null
on conflict do nothing;

select ops.end_model((select count(*) from touched), (select count(*) from affected));
