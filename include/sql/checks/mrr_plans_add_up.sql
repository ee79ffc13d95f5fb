/* Check: the MRR of all plans is the MRR of the currency, and so are new, churn and pauses. Layer: mart. */
with plan as (
    select
        account_id,
        livemode,
        currency,
        month,
        sum(closing_mrr_minor) as closing_mrr_minor,
        sum(new_minor) as new_minor,
        sum(churn_minor) as churn_minor,
        sum(reactivation_minor) as reactivation_minor,
        sum(expansion_minor - contraction_minor) as growth_minor,
        sum(paused_minor) as paused_minor
    from mart.mrr_by_plan_monthly
    group by account_id, livemode, currency, month
)

select
    whole.account_id,
    whole.livemode,
    whole.currency,
    whole.month,
    whole.closing_mrr_minor,
    plan.closing_mrr_minor as plans_mrr_minor
from mart.mrr_movement_monthly as whole
left join plan using (account_id, livemode, currency, month)
where
    row(
        whole.closing_mrr_minor,
        whole.new_minor,
        whole.churn_minor,
        whole.reactivation_minor,
        whole.expansion_minor - whole.contraction_minor,
        whole.paused_minor
    ) is distinct from row(
        plan.closing_mrr_minor,
        plan.new_minor,
        plan.churn_minor,
        plan.reactivation_minor,
        plan.growth_minor,
        plan.paused_minor
    )
