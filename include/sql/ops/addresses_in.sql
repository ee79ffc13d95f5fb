/* The e-mail addresses that a customer or a payment has, for finding the same ones elsewhere. */
create function ops.addresses_in(document jsonb) returns text[]
language sql
immutable parallel safe
as $$
    select array(
        select lower(trim(told.address))
        from (
            values
            (document ->> 'email'), (document ->> 'receipt_email'), (document ->> 'customer_email'),
            (document #>> '{billing_details,email}'), (document #>> '{customer_details,email}'),
            (document #>> '{last_payment_error,payment_method,billing_details,email}'),
            (document #>> '{last_setup_error,payment_method,billing_details,email}')
        ) as told (address)
        where told.address <> ''
    )
$$;
comment on function ops.addresses_in(jsonb) is
'E-mail addresses of a customer or payment, in lower case; empty where it has none.';
