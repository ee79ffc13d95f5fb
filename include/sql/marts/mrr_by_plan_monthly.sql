/* Grain: one row per currency, price and month. MRR of each plan, and what moved it. */
create materialized view mart.mrr_by_plan_monthly as
with changed as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        price_id,
        day,
        max(product_id) as product_id,
        sum(mrr_change_minor) as mrr_change_minor,
        sum(paused_change_minor + trial_change_minor) as potential_change_minor
    from ops.known_mrr_change
    -- what tells rows apart comes first: most comparisons of the sort end with it
    group by customer_id, price_id, currency, account_id, livemode, day
),

-- What the customer moved into pauses and free periods, or out of them, is the plans' whose share of these moved so.
parted as (
    select
        changed.*,
        m.movement,
        m.held_change_minor as customer_held_change_minor,
        greatest(sign(m.held_change_minor) * changed.potential_change_minor, 0) as part_minor
    from changed
    -- a day on which one plan took what another lost is no movement of the customer, but of both plans
    left join dwh.mrr_movement_fact as m using (account_id, livemode, currency, customer_id, day)
),

-- a division may leave a remainder: what all plans up to this one hold, so that the last of them reaches the whole
summed as (
    select
        *,
        coalesce(
            customer_held_change_minor * sum(part_minor) over so_far
            / nullif(sum(part_minor) over (so_far rows between unbounded preceding and unbounded following), 0),
            0
        ) as held_so_far_minor
    from parted
    window so_far as (partition by customer_id, day, currency, account_id, livemode order by price_id)
),

shared as (
    select
        *,
        held_so_far_minor - lag(held_so_far_minor, 1, 0::numeric) over (
            partition by customer_id, day, currency, account_id, livemode order by price_id
        ) as held_change_minor
    from summed
),

moved as (
    select
        *,
        date_trunc('month', day)::date as month,
        mrr_change_minor + held_change_minor as movement_minor,
        sum(mrr_change_minor) over history as closing_mrr_minor
    from shared
    window history as (partition by customer_id, price_id, currency, account_id, livemode order by day)
),

monthly as (
    select
        account_id,
        livemode,
        currency,
        price_id,
        month,
        max(product_id) as product_id,
        coalesce(sum(movement_minor) filter (where movement = 'new'), 0) as new_minor,
        coalesce(sum(movement_minor) filter (where movement = 'reactivation'), 0) as reactivation_minor,
        -- a customer who stays and changes plans takes from one and adds to another
        coalesce(
            sum(movement_minor) filter (
                where coalesce(movement, '') not in ('new', 'reactivation', 'churn') and movement_minor > 0
            ), 0
        ) as expansion_minor,
        -coalesce(
            sum(movement_minor) filter (
                where coalesce(movement, '') not in ('new', 'reactivation', 'churn') and movement_minor < 0
            ), 0
        ) as contraction_minor,
        -coalesce(sum(movement_minor) filter (where movement = 'churn'), 0) as churn_minor,
        sum(held_change_minor) as held_change_minor,
        sum(mrr_change_minor) as change_minor,
        count(*) filter (where closing_mrr_minor > 0 and closing_mrr_minor = mrr_change_minor)
        - count(*) filter (where closing_mrr_minor = 0 and mrr_change_minor < 0) as paying_change
    from moved
    group by account_id, livemode, currency, price_id, month
),

plan as (
    select account_id, livemode, currency, price_id, max(product_id) as product_id, min(month) as first_month
    from monthly
    group by account_id, livemode, currency, price_id
),

final as (
    select
        plan.account_id,
        plan.livemode,
        plan.currency,
        plan.price_id,
        plan.product_id,
        product.name as product_name,
        price.nickname as price_nickname,
        calendar.month,
        coalesce(sum(monthly.change_minor) over history, 0) - coalesce(monthly.change_minor, 0) as opening_mrr_minor,
        coalesce(monthly.new_minor, 0) as new_minor,
        coalesce(monthly.expansion_minor, 0) as expansion_minor,
        coalesce(monthly.contraction_minor, 0) as contraction_minor,
        coalesce(monthly.churn_minor, 0) as churn_minor,
        coalesce(monthly.reactivation_minor, 0) as reactivation_minor,
        coalesce(monthly.held_change_minor, 0) as held_change_minor,
        coalesce(sum(monthly.change_minor) over history, 0) as closing_mrr_minor,
        coalesce(sum(monthly.paying_change) over history, 0)::bigint as paying_customers,
        calendar.is_complete,
        ops.converted(coalesce(sum(monthly.change_minor) over history, 0), calendar.reporting_rate)
            as closing_mrr_reporting_minor
    from plan
    inner join mart.mrr_movement_monthly as calendar
        on
            plan.account_id = calendar.account_id
            and plan.livemode = calendar.livemode
            and plan.currency = calendar.currency
            and plan.first_month <= calendar.month
    left join monthly
        on
            plan.account_id = monthly.account_id
            and plan.livemode = monthly.livemode
            and plan.currency = monthly.currency
            and plan.price_id = monthly.price_id
            and calendar.month = monthly.month
    left join dwh.price_dim as price
        on
            plan.account_id = price.account_id
            and plan.livemode = price.livemode
            and plan.price_id = price.price_id
            and price.is_current
    left join dwh.product_dim as product
        on
            plan.account_id = product.account_id
            and plan.livemode = product.livemode
            and plan.product_id = product.product_id
            and product.is_current
    window history as (
        partition by plan.account_id, plan.livemode, plan.currency, plan.price_id order by calendar.month
    )
)

select * from final;

create unique index mrr_by_plan_monthly_key
on mart.mrr_by_plan_monthly (account_id, livemode, currency, price_id, month);
comment on materialized view mart.mrr_by_plan_monthly is
'Grain: one row per currency, price and month. MRR of each plan; a movement is of the kind it is for its customer.';
comment on column mart.mrr_by_plan_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.mrr_by_plan_monthly.livemode is 'False for test data.';
comment on column mart.mrr_by_plan_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.mrr_by_plan_monthly.price_id is 'The plan: a Stripe price.';
comment on column mart.mrr_by_plan_monthly.product_id is 'Its product.';
comment on column mart.mrr_by_plan_monthly.product_name is 'Name of the product, now.';
comment on column mart.mrr_by_plan_monthly.price_nickname is 'Nickname of the price, now.';
comment on column mart.mrr_by_plan_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.mrr_by_plan_monthly.opening_mrr_minor is 'MRR of the plan as the month begins, minor units.';
comment on column mart.mrr_by_plan_monthly.new_minor is 'Of customers who never had MRR before, on any plan.';
comment on column mart.mrr_by_plan_monthly.expansion_minor is
'What customers who had MRR, and keep some, added to this plan: also those who came from another.';
comment on column mart.mrr_by_plan_monthly.contraction_minor is
'What such customers took off this plan, also to go to another, as a positive number.';
comment on column mart.mrr_by_plan_monthly.churn_minor is
'Of customers who kept no MRR on any plan, as a positive number.';
comment on column mart.mrr_by_plan_monthly.reactivation_minor is 'Of customers who had had MRR, and then none.';
comment on column mart.mrr_by_plan_monthly.held_change_minor is
'What moved into pauses and free periods; negative when more came back.';
comment on column mart.mrr_by_plan_monthly.closing_mrr_minor is 'MRR of the plan as the month ends, minor units.';
comment on column mart.mrr_by_plan_monthly.paying_customers is 'Customers with MRR on this plan then.';
comment on column mart.mrr_by_plan_monthly.is_complete is 'As in mrr_movement_monthly.';
comment on column mart.mrr_by_plan_monthly.closing_mrr_reporting_minor is
'closing_mrr_minor in the reporting currency, its minor units, by the rate of the month''s last day; null without one.';
