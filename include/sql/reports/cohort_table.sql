/* Report: of the customers whose first payment was in a month, what percentage paid 1, 2, 3 ... months later?
   Parameters, in asked: the first cohort and the last one, each by the first day of its month.
   Sources: mart.payment_cohort_monthly, per account and currency. A month that has not been yet, or
   is still open, is empty. */
with asked as (
    select date '2025-01-01' as from_month, date '2099-12-01' as to_month
),

retained as (
    select
        cohort.account_id,
        cohort.livemode,
        cohort.currency,
        cohort.cohort_month,
        cohort.cohort_customers,
        cohort.months_since,
        round(100 * cohort.retention_rate, 1) as percent
    from mart.payment_cohort_monthly as cohort
    inner join asked on cohort.cohort_month between asked.from_month and asked.to_month
    where cohort.is_complete or cohort.months_since = 0
)

select
    account_id,
    livemode,
    currency,
    cohort_month,
    max(cohort_customers) as customers,
    max(percent) filter (where months_since = 1) as month_1,
    max(percent) filter (where months_since = 2) as month_2,
    max(percent) filter (where months_since = 3) as month_3,
    max(percent) filter (where months_since = 4) as month_4,
    max(percent) filter (where months_since = 5) as month_5,
    max(percent) filter (where months_since = 6) as month_6,
    max(percent) filter (where months_since = 7) as month_7,
    max(percent) filter (where months_since = 8) as month_8,
    max(percent) filter (where months_since = 9) as month_9,
    max(percent) filter (where months_since = 10) as month_10,
    max(percent) filter (where months_since = 11) as month_11,
    max(percent) filter (where months_since = 12) as month_12
from retained
group by account_id, livemode, currency, cohort_month
order by account_id asc, livemode desc, currency asc, cohort_month asc
