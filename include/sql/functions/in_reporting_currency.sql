/* One amount in the reporting currency. Marts convert many at once, by mart.reporting_rate_daily. */
create function dwh.in_reporting_currency(amount_minor numeric, currency text, on_date date) returns numeric
language sql
stable strict
as $$
    select in_reporting_currency.amount_minor * known.rate
    from dwh.reporting_rates() as known
    where
        known.currency = lower(in_reporting_currency.currency)
        and known.valid_from <= in_reporting_currency.on_date
    order by known.valid_from desc
    limit 1
$$;
comment on function dwh.in_reporting_currency(numeric, text, date) is
'An amount in minor units as minor units of the reporting currency (ops.reporting_currency), unrounded, by the rate '
'that counts on that day (dwh.reporting_rates). Null when there is none, or an argument is null.';
