/* Check: MRR cohorts have the size that movements give them, and add up to the paying customers. Layer: mart. */
with first_paid as (
    select account_id, livemode, currency, customer_id, date_trunc('month', min(day))::date as cohort_month
    from ops.known_mrr_movement
    where closing_mrr_minor > 0
    group by account_id, livemode, currency, customer_id
),

began as (
    select account_id, livemode, currency, cohort_month, count(*) as customers
    from first_paid
    group by account_id, livemode, currency, cohort_month
),

cohort as (
    select account_id, livemode, currency, month, sum(active_customers) as customers, sum(mrr_minor) as mrr_minor
    from mart.cohort_retention_monthly
    group by account_id, livemode, currency, month
)

select
    'paying customers' as what,
    whole.account_id,
    whole.livemode,
    whole.currency,
    whole.month,
    whole.paying_customers as expected,
    coalesce(cohort.customers, 0) as found
from mart.mrr_movement_monthly as whole
left join cohort using (account_id, livemode, currency, month)
where coalesce(cohort.customers, 0) <> whole.paying_customers
union all
select
    'closing MRR', whole.account_id, whole.livemode, whole.currency, whole.month, whole.closing_mrr_minor,
    coalesce(cohort.mrr_minor, 0)
from mart.mrr_movement_monthly as whole
left join cohort using (account_id, livemode, currency, month)
where coalesce(cohort.mrr_minor, 0) <> whole.closing_mrr_minor
union all
select
    'customers of a cohort', sized.account_id, sized.livemode, sized.currency, sized.month,
    coalesce(began.customers, 0), sized.cohort_customers
from mart.cohort_retention_monthly as sized
left join began using (account_id, livemode, currency, cohort_month)
where coalesce(began.customers, 0) <> sized.cohort_customers
union all
select
    'active customers of a cohort', account_id, livemode, currency, month, cohort_customers, active_customers
from mart.cohort_retention_monthly
where active_customers not between 0 and cohort_customers
