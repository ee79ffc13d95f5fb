/* Check: active(m) = active(m-1) + new + returning - churned in every complete month. Layer: mart. */
with step as (
    select
        *,
        coalesce(
            lag(active_customers) over (partition by account_id, livemode, currency order by month), 0
        ) as opening_customers
    from mart.customer_activity_monthly
)

select
    account_id, livemode, currency, month, opening_customers, new_customers, returning_customers, churned_customers,
    active_customers
from step
where
    is_complete
    and active_customers <> opening_customers + new_customers + returning_customers - churned_customers
