/* One amount in the reporting currency. Marts convert many at once, by mart.reporting_rate_daily. */
create function dwh.in_reporting_currency(amount_minor numeric, currency text, on_date date) returns numeric
language sql
stable strict
as $$
    select in_reporting_currency.amount_minor * known.rate
    from dwh.reporting_rates() as known
    where
        known.currency = lower(in_reporting_currency.currency)
        and known.rate_date <= in_reporting_currency.on_date
    order by known.rate_date desc
    limit 1
$$;
comment on function dwh.in_reporting_currency(numeric, text, date) is
'An amount in minor units as minor units of the reporting currency (ops.reporting_currency), unrounded, by the last '
'rate that was seen on that day or before. Null when there is none, or an argument is null.';
