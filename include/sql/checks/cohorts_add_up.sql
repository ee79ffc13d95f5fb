/* Check: cohorts have the size that payments give them, and together are the active customers. Layer: mart. */
with paid as (
    select account_id, livemode, currency, month, count(*) as customers, count(*) filter (where activity = 'new') as new
    from mart.customer_payment_monthly
    group by account_id, livemode, currency, month
),

cohort as (
    select counted.*, coalesce(began.new, 0) as new_customers
    from mart.payment_cohort_monthly as counted
    left join paid as began
        on
            counted.account_id = began.account_id
            and counted.livemode = began.livemode
            and counted.currency = began.currency
            and counted.cohort_month = began.month
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
    'cohort' as what, account_id, livemode, currency, cohort_month as month, new_customers as expected,
    cohort_customers as found
from cohort
where cohort_customers <> new_customers
union all
select 'active customers of a cohort', account_id, livemode, currency, month, new_customers, active_customers
from cohort
where active_customers > new_customers
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
