/* Report: of the subscriptions that started on a plan in a month, what percentage paid their 1st, 2nd, 3rd ... renewal?
   Parameters, in asked: the plan, by its price_id, and the first cohort and the last one, each by the first day of its
   month.
   Sources: mart.renewal_cohort_by_plan, per account. A renewal that is not yet due for all of the cohort is empty. */
with asked as (
    select 'price_of_the_plan' as price_id, date '2025-01-01' as from_month, date '2099-12-01' as to_month
),

renewed as (
    select
        cohort.account_id,
        cohort.livemode,
        cohort.price_id,
        cohort.cohort_month,
        cohort.started_subscriptions,
        cohort.renewal,
        case when cohort.is_complete then round(100 * cohort.renewal_rate, 1) end as percent
    from mart.renewal_cohort_by_plan as cohort
    inner join asked
        on cohort.price_id = asked.price_id and cohort.cohort_month between asked.from_month and asked.to_month
)

select
    account_id,
    livemode,
    price_id,
    cohort_month,
    max(started_subscriptions) as subscriptions,
    max(percent) filter (where renewal = 1) as renewal_1,
    max(percent) filter (where renewal = 2) as renewal_2,
    max(percent) filter (where renewal = 3) as renewal_3,
    max(percent) filter (where renewal = 4) as renewal_4,
    max(percent) filter (where renewal = 5) as renewal_5,
    max(percent) filter (where renewal = 6) as renewal_6,
    max(percent) filter (where renewal = 7) as renewal_7,
    max(percent) filter (where renewal = 8) as renewal_8,
    max(percent) filter (where renewal = 9) as renewal_9,
    max(percent) filter (where renewal = 10) as renewal_10,
    max(percent) filter (where renewal = 11) as renewal_11,
    max(percent) filter (where renewal = 12) as renewal_12
from renewed
group by account_id, livemode, price_id, cohort_month
order by account_id asc, livemode desc, cohort_month asc
