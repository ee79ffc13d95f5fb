/* The currency into which reports convert: policy reporting_currency, or the one that is used most. */
create function ops.reporting_currency() returns text
language plpgsql
stable parallel safe
as $$
declare
    used text := nullif(ops.choice('reporting_currency'), '');
    fact text;
begin
    -- each is looked at only when those before it tell nothing: payouts are few, payments are not
    foreach fact in array '{payout_fact,balance_transaction_fact,transaction_fact}'::text[] loop
        exit when used is not null;
        execute format(
            'select f.currency from dwh.%I as f inner join ops.reported_mode as mode on f.livemode = mode.livemode '
            'where f.currency is not null group by f.currency order by count(*) desc, f.currency asc limit 1',
            fact
        ) into used;
    end loop;
    return used;
end
$$;
comment on function ops.reporting_currency() is
'Currency of the columns *_reporting_minor: policy reporting_currency; where that is empty, the currency of most '
'payouts, or else of most balance transactions, or of most payments. Null while there are none.';
