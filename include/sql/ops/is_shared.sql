/* What belongs to the company and not to one customer, wherever it stands: it is neither followed nor emptied. */
create function ops.is_shared(kind text) returns boolean
language sql
immutable parallel safe
as $$
    select coalesce(
        kind = any(
            '{account,application,balance,billing.meter,coupon,entitlements.feature,feature,payment_link,'
            'payout,plan,price,product,product_feature,shipping_rate,tax_rate,terminal.location,terminal.reader,'
            'test_helpers.test_clock,topup}'
        ),
        false
    )
$$;
comment on function ops.is_shared(text) is
'Whether objects of a kind are of many customers or none: prices, products, payouts. What is written there stays.';
