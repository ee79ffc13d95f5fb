/* Report: what does a customer bring in a month, how many leave, and what is one worth?
   Parameters, in asked: the first and the last month, each by its first day.
   Sources: mart.arpu_churn_ltv_monthly. Amounts in major units with the decimals of each currency, per account. A month
   that is still open has no churn. */
with asked as (
    select date '2025-01-01' as from_month, date '2099-12-01' as to_month
)

select
    monthly.account_id,
    monthly.livemode,
    monthly.currency,
    monthly.month,
    monthly.active_customers,
    dwh.major_units(round(monthly.arpu_minor), monthly.currency) as arpu,
    round(100 * monthly.churn_rate, 2) as churn_percent,
    dwh.major_units(round(monthly.ltv_minor), monthly.currency) as ltv,
    monthly.is_complete
from mart.arpu_churn_ltv_monthly as monthly
inner join asked on monthly.month between asked.from_month and asked.to_month
order by monthly.account_id asc, monthly.livemode desc, monthly.currency asc, monthly.month asc
