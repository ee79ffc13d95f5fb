/* An amount at a rate that may be unknown. */
create function ops.converted(amount_minor numeric, rate numeric) returns numeric
language sql
immutable parallel safe
as $$
    select case when converted.amount_minor = 0 then 0 else converted.amount_minor * converted.rate end
$$;
comment on function ops.converted(numeric, numeric) is
'An amount in minor units at a rate of mart.reporting_rate_daily, unrounded: null where the rate is null, but nothing '
'is nothing in any currency.';
