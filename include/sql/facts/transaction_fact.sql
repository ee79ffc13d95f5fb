/* Grain: one signed row per movement of money (charge +, refund -). Revenue is the sum of it. */
select ops.begin_model(
    'transaction_fact', touching => '{charge,refund}', upstream => '{charge_fact,refund_fact}'
);

create temp table affected on commit drop as
select account_id, livemode, object_type as transaction_type, object_id as source_id
from touched
union
-- a refund takes its customer from its charge, and older charges carry their refunds
select r.account_id, r.livemode, 'refund' as transaction_type, r.refund_id as source_id
from touched
inner join dwh.refund_fact as r
    on touched.account_id = r.account_id and touched.livemode = r.livemode and touched.object_id = r.charge_id
where touched.object_type = 'charge';

delete from dwh.transaction_fact
using affected
where
    dwh.transaction_fact.account_id = affected.account_id
    and dwh.transaction_fact.livemode = affected.livemode
    and dwh.transaction_fact.transaction_type = affected.transaction_type
    and dwh.transaction_fact.source_id = affected.source_id;

insert into dwh.transaction_fact (
    account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
    occurred_at
)
select
    c.account_id, c.livemode, a.transaction_type, a.source_id, c.date_sk, c.charge_id, c.customer_id, c.currency,
    c.amount_captured_minor, c.created_at
from affected as a
inner join dwh.charge_fact as c
    on a.account_id = c.account_id and a.livemode = c.livemode and a.source_id = c.charge_id
where a.transaction_type = 'charge' and c.status = 'succeeded' and c.amount_captured_minor > 0
union all
select
    r.account_id, r.livemode, a.transaction_type, a.source_id, r.date_sk, r.charge_id, c.customer_id, r.currency,
    -r.amount_minor, r.created_at
from affected as a
inner join dwh.refund_fact as r
    on a.account_id = r.account_id and a.livemode = r.livemode and a.source_id = r.refund_id
left join dwh.charge_fact as c
    on r.account_id = c.account_id and r.livemode = c.livemode and r.charge_id = c.charge_id
where
    a.transaction_type = 'refund'
    and r.status in ('succeeded', 'pending')
    and r.amount_minor is not null
    -- Until 2025-03-31.basil Stripe also made a refund to release an authorisation: no money had come in.
    and c.is_captured is distinct from false;

select ops.end_model((select count(*) from touched), (select count(*) from affected));
