/* Grain: one row per currency, price and month. MRR of each plan, and what moved it. */
create materialized view mart.mrr_by_plan_monthly as
with of_subscription as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        subscription_id,
        price_id,
        day,
        max(product_id) as product_id,
        sum(mrr_change_minor) as mrr_change_minor,
        sum(paused_change_minor + trial_change_minor) as potential_change_minor
    from ops.known_mrr_change
    -- what tells rows apart comes first: most comparisons of the sort end with it
    group by customer_id, subscription_id, price_id, currency, account_id, livemode, day
),

-- What a subscription moved into pauses and free periods, or out of them, is its plans' whose share of these moved so.
held as (
    select
        s.*,
        m.movement,
        coalesce((m.held_change_of ->> s.subscription_id)::numeric, 0) as subscription_held_change_minor
    from of_subscription as s
    -- a day on which one plan took what another lost is no movement of the customer, but of both plans
    left join dwh.mrr_movement_fact as m using (account_id, livemode, currency, customer_id, day)
),

parted as (
    select *, greatest(sign(subscription_held_change_minor) * potential_change_minor, 0) as part_minor
    from held
),

-- a division may leave a remainder: what all plans up to this one hold, so that the last of them reaches the whole
summed as (
    select
        *,
        coalesce(
            subscription_held_change_minor * sum(part_minor) over so_far
            / nullif(sum(part_minor) over (so_far rows between unbounded preceding and unbounded following), 0),
            0
        ) as held_so_far_minor
    from parted
    window so_far as (
        partition by customer_id, day, subscription_id, currency, account_id, livemode order by price_id
    )
),

shared as (
    select
        *,
        held_so_far_minor - lag(held_so_far_minor, 1, 0::numeric) over (
            partition by customer_id, day, subscription_id, currency, account_id, livemode order by price_id
        ) as held_change_minor
    from summed
),

changed as (
    select
        account_id,
        livemode,
        currency,
        customer_id,
        price_id,
        day,
        max(product_id) as product_id,
        max(movement) as movement,
        sum(mrr_change_minor) as mrr_change_minor,
        sum(held_change_minor) as held_change_minor
    from shared
    group by customer_id, price_id, currency, account_id, livemode, day
),

moved as (
    select
        *,
        date_trunc('month', day)::date as month,
        mrr_change_minor + held_change_minor as movement_minor,
        sum(mrr_change_minor) over history as closing_mrr_minor
    from changed
    window history as (partition by customer_id, price_id, currency, account_id, livemode order by day)
),

-- each movement in the one column that it is of
split as (
    select
        moved.*,
        case when moved.movement = 'new' then moved.movement_minor else 0 end as new_minor,
        case when moved.movement = 'reactivation' then moved.movement_minor else 0 end as reactivation_minor,
        case when moved.movement = 'churn' then -moved.movement_minor else 0 end as churn_minor,
        -- a customer who stays and changes plans takes from one and adds to another
        case
            when coalesce(moved.movement, '') in ('new', 'reactivation', 'churn') then 0
            else greatest(moved.movement_minor, 0)
        end as expansion_minor,
        case
            when coalesce(moved.movement, '') in ('new', 'reactivation', 'churn') then 0
            else greatest(-moved.movement_minor, 0)
        end as contraction_minor,
        rate.rate
    from moved
    left join mart.reporting_rate_daily as rate on moved.currency = rate.currency and moved.day = rate.day
),

monthly as (
    select
        account_id,
        livemode,
        currency,
        price_id,
        month,
        max(product_id) as product_id,
        sum(new_minor) as new_minor,
        sum(reactivation_minor) as reactivation_minor,
        sum(expansion_minor) as expansion_minor,
        sum(contraction_minor) as contraction_minor,
        sum(churn_minor) as churn_minor,
        sum(held_change_minor) as held_change_minor,
        sum(mrr_change_minor) as change_minor,
        count(*) filter (where closing_mrr_minor > 0 and closing_mrr_minor = mrr_change_minor)
        - count(*) filter (where closing_mrr_minor = 0 and mrr_change_minor < 0) as paying_change,
        case
            when count(ops.converted(new_minor, rate)) = count(*)
                then sum(ops.converted(new_minor, rate))
        end as new_reporting_minor,
        case
            when count(ops.converted(expansion_minor, rate)) = count(*)
                then sum(ops.converted(expansion_minor, rate))
        end as expansion_reporting_minor,
        case
            when count(ops.converted(contraction_minor, rate)) = count(*)
                then sum(ops.converted(contraction_minor, rate))
        end as contraction_reporting_minor,
        case
            when count(ops.converted(churn_minor, rate)) = count(*)
                then sum(ops.converted(churn_minor, rate))
        end as churn_reporting_minor,
        case
            when count(ops.converted(reactivation_minor, rate)) = count(*)
                then sum(ops.converted(reactivation_minor, rate))
        end as reactivation_reporting_minor,
        case
            when count(ops.converted(held_change_minor, rate)) = count(*)
                then sum(ops.converted(held_change_minor, rate))
        end as held_change_reporting_minor
    from split
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
            as closing_mrr_reporting_minor,
        case when monthly.month is null then 0 else monthly.new_reporting_minor end
            as new_reporting_minor,
        case when monthly.month is null then 0 else monthly.expansion_reporting_minor end
            as expansion_reporting_minor,
        case when monthly.month is null then 0 else monthly.contraction_reporting_minor end
            as contraction_reporting_minor,
        case when monthly.month is null then 0 else monthly.churn_reporting_minor end
            as churn_reporting_minor,
        case when monthly.month is null then 0 else monthly.reactivation_reporting_minor end
            as reactivation_reporting_minor,
        case when monthly.month is null then 0 else monthly.held_change_reporting_minor end
            as held_change_reporting_minor
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
comment on column mart.mrr_by_plan_monthly.new_reporting_minor is
'new_minor in the reporting currency, by the rate of the day of each movement; null where one has none.';
comment on column mart.mrr_by_plan_monthly.expansion_reporting_minor is 'expansion_minor, likewise.';
comment on column mart.mrr_by_plan_monthly.contraction_reporting_minor is 'contraction_minor, likewise.';
comment on column mart.mrr_by_plan_monthly.churn_reporting_minor is 'churn_minor, likewise.';
comment on column mart.mrr_by_plan_monthly.reactivation_reporting_minor is 'reactivation_minor, likewise.';
comment on column mart.mrr_by_plan_monthly.held_change_reporting_minor is 'held_change_minor, likewise.';
