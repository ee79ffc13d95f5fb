/* Check: in every month a cohort has the size that dims and facts give it, and its customers' value. Layer: mart. */
with paying as (
    select account_id, livemode, currency, first_month as cohort_month, count(*) as customers
    from dwh.customer_payment_fact
    where previous_month is null and is_first_in_month
    group by account_id, livemode, currency, first_month
),

first_item as (
    select i.account_id, i.livemode, i.subscription_id, i.price_id, i.interval_unit
    from dwh.subscription_item_dim as i
    inner join (
        select account_id, livemode, subscription_id, min(valid_from) as began_at
        from dwh.subscription_item_dim
        group by account_id, livemode, subscription_id
    ) as began
        on
            i.account_id = began.account_id
            and i.livemode = began.livemode
            and i.subscription_id = began.subscription_id
            and i.valid_from = began.began_at
),

started as (
    select
        s.account_id,
        s.livemode,
        first_item.price_id,
        date_trunc(
            'month', coalesce(s.started_at, s.created_at) at time zone (select ops.choice('reporting_timezone'))
        )::date as cohort_month,
        count(distinct s.subscription_id) as subscriptions
    from dwh.subscription_dim as s
    inner join first_item using (account_id, livemode, subscription_id)
    where
        s.is_current
        and s.status not in ('incomplete', 'incomplete_expired')
        and first_item.price_id is not null
        and first_item.interval_unit is not null
    group by
        s.account_id,
        s.livemode,
        first_item.price_id,
        date_trunc(
            'month', coalesce(s.started_at, s.created_at) at time zone (select ops.choice('reporting_timezone'))
        )::date
),

sized as (
    select
        'cohort_ltv_monthly' as mart, cohort.account_id, cohort.livemode, cohort.currency as of_what,
        cohort.cohort_month, cohort.months_since as step, coalesce(paying.customers, 0) as expected,
        cohort.cohort_customers as found
    from mart.cohort_ltv_monthly as cohort
    left join paying using (account_id, livemode, currency, cohort_month)
    union all
    select
        'renewal_cohort_by_plan', cohort.account_id, cohort.livemode, cohort.price_id, cohort.cohort_month,
        cohort.renewal, coalesce(started.subscriptions, 0), cohort.started_subscriptions
    from mart.renewal_cohort_by_plan as cohort
    left join started using (account_id, livemode, price_id, cohort_month)
    union all
    -- no more of them can be billed or renew than there are
    select
        'renewal_cohort_by_plan', cohort.account_id, cohort.livemode, cohort.price_id, cohort.cohort_month,
        cohort.renewal, least(started.subscriptions, cohort.billed_subscriptions),
        greatest(cohort.billed_subscriptions, cohort.renewed_subscriptions)
    from mart.renewal_cohort_by_plan as cohort
    inner join started using (account_id, livemode, price_id, cohort_month)
),

cohort as (
    select account_id, livemode, currency, sum(net_minor) as net_minor
    from mart.cohort_ltv_monthly
    group by account_id, livemode, currency
),

customer as (
    select account_id, livemode, currency, sum(net_minor) as net_minor
    from mart.customer_lifetime_value
    where payments > 0
    group by account_id, livemode, currency
)

select mart, account_id, livemode, of_what, cohort_month, step, expected, found
from sized
where expected <> found
union all
select
    'all cohorts', account_id, livemode, currency, null, null, customer.net_minor as expected, cohort.net_minor as found
from cohort
full join customer using (account_id, livemode, currency)
where cohort.net_minor is distinct from customer.net_minor
