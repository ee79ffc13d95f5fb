/* Report: what is MRR of all currencies in the reporting currency, what moved it, and what did exchange rates do?
   Parameters, in asked: the first and the last month, each by its first day.
   Sources: mart.mrr_movement_reporting_monthly. Amounts in major units with the decimals of the currency, per account.
   opening + new + reactivation + expansion - contraction - churn - held_change + fx = closing. What lacks a rate is
   empty, and the currencies are named: a file of rates fills them. */
with asked as (
    select date '2025-01-01' as from_month, date '2099-12-01' as to_month
)

select
    monthly.account_id,
    monthly.livemode,
    monthly.currency,
    monthly.month,
    dwh.major_units(round(monthly.opening_mrr_minor), monthly.currency) as opening_mrr,
    dwh.major_units(round(monthly.new_minor), monthly.currency) as new,
    dwh.major_units(round(monthly.reactivation_minor), monthly.currency) as reactivation,
    dwh.major_units(round(monthly.expansion_minor), monthly.currency) as expansion,
    dwh.major_units(round(monthly.contraction_minor), monthly.currency) as contraction,
    dwh.major_units(round(monthly.churn_minor), monthly.currency) as churn,
    dwh.major_units(round(monthly.held_change_minor), monthly.currency) as held_change,
    dwh.major_units(round(monthly.fx_minor), monthly.currency) as fx,
    dwh.major_units(round(monthly.closing_mrr_minor), monthly.currency) as closing_mrr,
    monthly.currencies_without_rate,
    monthly.is_complete
from mart.mrr_movement_reporting_monthly as monthly
inner join asked on monthly.month between asked.from_month and asked.to_month
order by monthly.account_id asc, monthly.livemode desc, monthly.month asc
