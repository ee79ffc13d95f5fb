/* Check: what months kept is what customers kept, and gross retention is between 0 and 1. Layer: mart. */
-- from what each customer had as one month ended to what it had as the next did, whatever lies between
with month_end as (
    select distinct on (customer_id, account_id, livemode, currency, date_trunc('month', day))
        account_id,
        livemode,
        currency,
        customer_id,
        date_trunc('month', day)::date as month,
        closing_mrr_minor + closing_held_minor as kept_minor
    from ops.known_mrr_movement
    order by
        customer_id asc, account_id asc, livemode asc, currency asc, date_trunc('month', day) asc, day desc
),

step as (
    select
        *,
        lag(kept_minor, 1, 0::numeric) over (
            partition by customer_id, account_id, livemode, currency order by month
        ) as opening_minor
    from month_end
),

moved as (
    select
        account_id,
        livemode,
        currency,
        month,
        sum(kept_minor - opening_minor) as change_minor,
        coalesce(sum(kept_minor - opening_minor) filter (where opening_minor > 0), 0) as kept_change_minor,
        sum(least(kept_minor, opening_minor) - opening_minor) as lost_minor
    from step
    group by account_id, livemode, currency, month
),

fresh as (
    select
        mart.*,
        coalesce(sum(moved.change_minor) over history, 0) - coalesce(moved.change_minor, 0) as opening_minor,
        coalesce(moved.kept_change_minor, 0) as kept_change_minor,
        coalesce(moved.lost_minor, 0) as lost_minor
    from mart.revenue_retention_monthly as mart
    left join moved using (account_id, livemode, currency, month)
    window history as (partition by mart.account_id, mart.livemode, mart.currency order by mart.month)
)

select
    account_id,
    livemode,
    currency,
    month,
    opening_minor + kept_change_minor as customers_kept_minor,
    kept_minor as mart_kept_minor,
    opening_minor + lost_minor as customers_kept_without_expansion_minor,
    kept_without_expansion_minor as mart_kept_without_expansion_minor,
    gross_revenue_retention
from fresh
where
    kept_minor <> opening_minor + kept_change_minor
    or kept_without_expansion_minor <> opening_minor + lost_minor
    or gross_revenue_retention not between 0 and 1
