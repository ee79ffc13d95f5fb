/* Check: a cohort keeps its size, starts whole, and has no more active customers than customers. Layer: mart. */
select account_id, livemode, currency, cohort_month, months_since, cohort_customers, active_customers
from (
    select
        *,
        first_value(cohort_customers) over (
            partition by account_id, livemode, currency, cohort_month order by months_since
        ) as initial_customers
    from mart.cohort_retention_monthly
) as cohort
where
    cohort_customers <> initial_customers
    or active_customers > cohort_customers
    or (months_since = 0 and active_customers <> cohort_customers)
