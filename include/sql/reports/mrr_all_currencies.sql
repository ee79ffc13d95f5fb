/* Report: what is MRR of all currencies in the reporting currency, what moved it, and what did exchange rates do?
   Parameters, in asked: the first and the last month, each by its first day.
   Sources: mart.mrr_movement_reporting_monthly. Amounts in major units, per account. opening + new + reactivation +
   expansion - contraction - churn - paused + fx = closing. What lacks a rate is empty, and the currencies are named: a
   file of rates fills them. */
with asked as (
    select date '2025-01-01' as from_month, date '2099-12-01' as to_month
)

select
    monthly.account_id,
    monthly.livemode,
    monthly.currency,
    monthly.month,
    round(dwh.major_units(monthly.opening_mrr_minor, monthly.currency), 2) as opening_mrr,
    round(dwh.major_units(monthly.new_minor, monthly.currency), 2) as new,
    round(dwh.major_units(monthly.reactivation_minor, monthly.currency), 2) as reactivation,
    round(dwh.major_units(monthly.expansion_minor, monthly.currency), 2) as expansion,
    round(dwh.major_units(monthly.contraction_minor, monthly.currency), 2) as contraction,
    round(dwh.major_units(monthly.churn_minor, monthly.currency), 2) as churn,
    round(dwh.major_units(monthly.paused_minor, monthly.currency), 2) as paused,
    round(dwh.major_units(monthly.fx_minor, monthly.currency), 2) as fx,
    round(dwh.major_units(monthly.closing_mrr_minor, monthly.currency), 2) as closing_mrr,
    monthly.currencies_without_rate,
    monthly.is_complete
from mart.mrr_movement_reporting_monthly as monthly
inner join asked on monthly.month between asked.from_month and asked.to_month
order by monthly.account_id asc, monthly.livemode desc, monthly.month asc
