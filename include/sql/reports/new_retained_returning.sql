/* Report: how many customers were new, stayed, came back and left, by month?
   Parameters, in asked: the first and the last month, each by its first day.
   Sources: mart.customer_activity_monthly, per account and currency. Each month begins with those who were active
   in the one before. Who left in a month that is still open is not known yet. */
with asked as (
    select date '2025-01-01' as from_month, date '2099-12-01' as to_month
)

select
    monthly.account_id,
    monthly.livemode,
    monthly.currency,
    monthly.month,
    monthly.active_customers,
    monthly.new_customers,
    monthly.retained_customers,
    monthly.returning_customers,
    monthly.churned_customers,
    monthly.is_complete
from mart.customer_activity_monthly as monthly
inner join asked on monthly.month between asked.from_month and asked.to_month
order by monthly.account_id asc, monthly.livemode desc, monthly.currency asc, monthly.month asc
