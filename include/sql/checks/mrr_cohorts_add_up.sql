/* Check: MRR cohorts keep their size, add up to the paying customers, and keep no more than there was. Layer: mart. */
with cohort as (
    select
        account_id,
        livemode,
        currency,
        month,
        sum(active_customers) as active_customers,
        sum(mrr_minor) as mrr_minor,
        bool_or(active_customers > cohort_customers or active_customers < 0) as is_too_many
    from mart.cohort_retention_monthly
    group by account_id, livemode, currency, month
),

size as (
    select account_id, livemode, currency, cohort_month
    from mart.cohort_retention_monthly
    group by account_id, livemode, currency, cohort_month
    having min(cohort_customers) <> max(cohort_customers)
)

select
    whole.account_id,
    whole.livemode,
    whole.currency,
    whole.month,
    whole.paying_customers,
    cohort.active_customers
from mart.mrr_movement_monthly as whole
left join cohort using (account_id, livemode, currency, month)
where
    (coalesce(cohort.active_customers, 0), coalesce(cohort.mrr_minor, 0))
    <> (whole.paying_customers, whole.closing_mrr_minor)
    or cohort.is_too_many
union all
select account_id, livemode, currency, cohort_month, null, null
from size
union all
select account_id, livemode, currency, month, null, null
from mart.revenue_retention_monthly
where gross_revenue_retention > 1
