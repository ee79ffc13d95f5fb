/* Check: cohorts keep their size, hold every customer once, and together are the active customers. Layer: mart. */
with cohort as (
    select
        *,
        first_value(cohort_customers) over (
            partition by account_id, livemode, currency, cohort_month order by months_since
        ) as initial_customers
    from mart.payment_cohort_monthly
),

paid as (
    select account_id, livemode, currency, month, count(*) as customers, count(*) filter (where activity = 'new') as new
    from mart.customer_payment_monthly
    group by account_id, livemode, currency, month
),

customer as (
    select account_id, livemode, currency, sum(new) as customers
    from paid
    group by account_id, livemode, currency
),

sized as (
    select account_id, livemode, currency, sum(cohort_customers) as customers
    from cohort
    where months_since = 0
    group by account_id, livemode, currency
),

active as (
    select account_id, livemode, currency, month, sum(active_customers) as customers
    from cohort
    group by account_id, livemode, currency, month
)

select
    'cohort' as what, account_id, livemode, currency, cohort_month as month, initial_customers as expected,
    cohort_customers as found
from cohort
where cohort_customers <> initial_customers or active_customers > cohort_customers
union all
select
    'all customers', account_id, livemode, currency, null, customer.customers as expected, sized.customers as found
from customer
full join sized using (account_id, livemode, currency)
where customer.customers is distinct from sized.customers
union all
select
    'active customers', account_id, livemode, currency, month, coalesce(paid.customers, 0), active.customers as found
from paid
full join active using (account_id, livemode, currency, month)
where coalesce(paid.customers, 0) is distinct from active.customers
