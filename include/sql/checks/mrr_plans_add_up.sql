/* Check: the MRR of all plans is the MRR of the currency, and so are new, churn and what is held. Layer: mart. */
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
        sum(held_change_minor) as held_change_minor
    from mart.mrr_by_plan_monthly
    group by account_id, livemode, currency, month
)

select
    whole.account_id,
    whole.livemode,
    whole.currency,
    whole.month,
    measure.name as measure,
    measure.of_currency as expected,
    measure.of_plans as found
from mart.mrr_movement_monthly as whole
left join plan using (account_id, livemode, currency, month)
cross join
    lateral (
        values
        ('closing MRR', whole.closing_mrr_minor, plan.closing_mrr_minor),
        ('new', whole.new_minor, plan.new_minor),
        ('churn', whole.churn_minor, plan.churn_minor),
        ('reactivation', whole.reactivation_minor, plan.reactivation_minor),
        ('expansion less contraction', whole.expansion_minor - whole.contraction_minor, plan.growth_minor),
        ('held', whole.held_change_minor, plan.held_change_minor)
    ) as measure (name, of_currency, of_plans)
where measure.of_currency is distinct from measure.of_plans
