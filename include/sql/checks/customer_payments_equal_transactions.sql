/* Check: payments by customer are the charges of customers, each once, and each customer begins once. Layer: dwh. */
with charge as (
    select account_id, livemode, currency, count(*) as payments, sum(amount_minor) as revenue_minor
    from dwh.transaction_fact
    where transaction_type = 'charge' and customer_id is not null and occurred_at is not null
    group by account_id, livemode, currency
),

paid as (
    select
        account_id,
        livemode,
        currency,
        sum(payments) as payments,
        sum(revenue_minor) as revenue_minor,
        count(distinct customer_id) as customers,
        count(*) filter (where previous_month is null and is_first_in_month) as beginners
    from dwh.customer_payment_fact
    group by account_id, livemode, currency
)

select
    account_id, livemode, currency, charge.payments as expected_payments, paid.payments,
    charge.revenue_minor as expected, paid.revenue_minor as found, paid.customers, paid.beginners
from charge
full join paid using (account_id, livemode, currency)
where
    charge.payments is distinct from paid.payments
    or charge.revenue_minor is distinct from paid.revenue_minor
    or paid.customers <> paid.beginners
