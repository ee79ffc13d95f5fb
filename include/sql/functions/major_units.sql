/* The one way from minor to major units: by the currency's exponent on Stripe's wire, never by a fixed 100. */
create function dwh.major_units(amount_minor numeric, currency text) returns numeric
language plpgsql
stable strict parallel safe
as $$
declare
    -- a power of ten as a literal: multiplying by it is exact, where a division rounds
    unit numeric := (
        select ('1e-' || known.exponent)::numeric
        from dwh.currency_dim as known
        where known.currency = lower(major_units.currency)
    );
begin
    if unit is null then
        raise exception 'The decimals of currency "%" are not known.', currency
            using
                errcode = 'invalid_parameter_value',
                hint = 'Add it to include/sql/dims/currency_dim.sql, with its decimals from '
                    'https://docs.stripe.com/currencies, and run the warehouse once.';
    end if;
    return amount_minor * unit;
end
$$;
comment on function dwh.major_units(numeric, text) is
'An amount in minor units as major units, exact: 1999 usd is 19.99, 1999 jpy is 1999, 1999 kwd is 1.999. Null when '
'either is null; an error for a currency that dwh.currency_dim does not have.';
