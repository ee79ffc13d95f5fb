/* The currency into which reports convert: policy reporting_currency, or the one that is used most. */
create function ops.reporting_currency() returns text
language sql
stable parallel safe
as $$
    -- each is looked at only when those before it tell nothing: payouts are few, payments are not
    select coalesce(
        nullif(ops.choice('reporting_currency'), ''),
        (
            select p.currency
            from dwh.payout_fact as p
            inner join ops.reported_mode as mode on p.livemode = mode.livemode
            where p.currency is not null
            group by p.currency
            order by count(*) desc, p.currency asc
            limit 1
        ),
        (
            select b.currency
            from dwh.balance_transaction_fact as b
            inner join ops.reported_mode as mode on b.livemode = mode.livemode
            where b.currency is not null
            group by b.currency
            order by count(*) desc, b.currency asc
            limit 1
        ),
        (
            select t.currency
            from dwh.transaction_fact as t
            inner join ops.reported_mode as mode on t.livemode = mode.livemode
            where t.currency is not null
            group by t.currency
            order by count(*) desc, t.currency asc
            limit 1
        )
    )
$$;
comment on function ops.reporting_currency() is
'Currency of the columns *_reporting_minor: policy reporting_currency; where that is empty, the currency of most '
'payouts, or else of most balance transactions, or of most payments. Null while there are none.';
