/* Check: a month's opening MRR and its movements give its closing MRR, which opens the next month. Layer: mart. */
with step as (
    select
        *,
        lag(closing_mrr_minor, 1, 0::numeric) over (
            partition by account_id, livemode, currency order by month
        ) as closing_before_minor,
        opening_mrr_minor + new_minor + reactivation_minor + expansion_minor - contraction_minor - churn_minor
        - held_change_minor as moved_to_minor
    from mart.mrr_movement_monthly
)

select
    account_id,
    livemode,
    currency,
    month,
    opening_mrr_minor,
    closing_before_minor,
    moved_to_minor,
    closing_mrr_minor
from step
where
    opening_mrr_minor <> closing_before_minor
    or closing_mrr_minor <> moved_to_minor
    or closing_mrr_minor < 0
