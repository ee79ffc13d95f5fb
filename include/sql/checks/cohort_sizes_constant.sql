/* Check: a cohort keeps its size, no more of it renew than began, its value is that of its customers. Layer: mart. */
with sized as (
    select
        'cohort_ltv_monthly' as mart, account_id, livemode, currency as of_what, cohort_month, months_since as step,
        cohort_customers as size,
        first_value(cohort_customers) over (
            partition by account_id, livemode, currency, cohort_month order by months_since
        ) as initial_size,
        0 as counted
    from mart.cohort_ltv_monthly
    union all
    select
        'renewal_cohort_by_plan', account_id, livemode, price_id, cohort_month, renewal, started_subscriptions,
        first_value(started_subscriptions) over (
            partition by account_id, livemode, price_id, cohort_month order by renewal
        ),
        greatest(billed_subscriptions, renewed_subscriptions)
    from mart.renewal_cohort_by_plan
),

cohort as (
    select account_id, livemode, currency, sum(net_minor) as net_minor
    from mart.cohort_ltv_monthly
    group by account_id, livemode, currency
),

customer as (
    select account_id, livemode, currency, sum(net_minor) as net_minor
    from mart.customer_lifetime_value
    where payments > 0
    group by account_id, livemode, currency
)

select
    mart, account_id, livemode, of_what, cohort_month, step, initial_size as expected,
    greatest(size, counted) as found
from sized
where size <> initial_size or counted > size
union all
select
    'all cohorts', account_id, livemode, currency, null, null, customer.net_minor as expected, cohort.net_minor as found
from cohort
full join customer using (account_id, livemode, currency)
where cohort.net_minor is distinct from customer.net_minor
