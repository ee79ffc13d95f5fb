/* Grain: one row per currency, month of first payment and month since. What a customer has brought so far. */
create materialized view mart.cohort_ltv_monthly as
with returned as (
    select
        member.account_id,
        member.livemode,
        member.currency,
        member.first_month as cohort_month,
        -- what went back before the first payment of a customer belongs to its month
        greatest(date_trunc('month', t.occurred_at at time zone policy.value)::date, member.first_month) as month,
        sum(t.amount_minor) as net_minor,
        case
            when count(ops.converted(t.amount_minor, rate.rate)) = count(*)
                then sum(ops.converted(t.amount_minor, rate.rate))
        end as net_reporting_minor
    from dwh.transaction_fact as t
    -- the first of the rows of each customer
    inner join dwh.customer_payment_fact as member
        on
            t.account_id = member.account_id
            and t.livemode = member.livemode
            and t.currency = member.currency
            and t.customer_id = member.customer_id
            and member.previous_month is null
            and member.is_first_in_month
    cross join ops.policy as policy
    left join mart.reporting_rate_daily as rate
        on t.currency = rate.currency and (t.occurred_at at time zone policy.value)::date = rate.day
    where policy.name = 'reporting_timezone' and t.transaction_type <> 'charge'
    group by 1, 2, 3, 4, 5
),

monthly as (
    select
        cohort.account_id,
        cohort.livemode,
        cohort.currency,
        cohort.cohort_month,
        cohort.months_since,
        cohort.month,
        cohort.cohort_customers,
        cohort.revenue_minor + coalesce(returned.net_minor, 0) as net_minor,
        cohort.revenue_reporting_minor
        + case when returned.month is null then 0 else returned.net_reporting_minor end as net_reporting_minor,
        cohort.is_complete
    from mart.payment_cohort_monthly as cohort
    left join returned using (account_id, livemode, currency, cohort_month, month)
),

summed as (
    select
        account_id,
        livemode,
        currency,
        cohort_month,
        months_since,
        month,
        cohort_customers,
        net_minor,
        sum(net_minor) over history as cumulative_net_minor,
        net_reporting_minor,
        case
            when count(net_reporting_minor) over history = count(*) over history
                then sum(net_reporting_minor) over history
        end as cumulative_net_reporting_minor,
        is_complete
    from monthly
    window history as (partition by account_id, livemode, currency, cohort_month order by month)
),

final as (
    select
        account_id,
        livemode,
        currency,
        cohort_month,
        months_since,
        month,
        cohort_customers,
        net_minor,
        cumulative_net_minor,
        cumulative_net_minor * (select dwh.gross_margin()) / cohort_customers as ltv_minor,
        net_reporting_minor,
        cumulative_net_reporting_minor,
        cumulative_net_reporting_minor * (select dwh.gross_margin()) / cohort_customers as ltv_reporting_minor,
        is_complete
    from summed
)

select * from final;

create unique index cohort_ltv_monthly_key
on mart.cohort_ltv_monthly (account_id, livemode, currency, cohort_month, months_since);
comment on materialized view mart.cohort_ltv_monthly is
'Grain: one row per currency, month of first payment and month since. ltv = net so far x gross margin / customers.';
comment on column mart.cohort_ltv_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.cohort_ltv_monthly.livemode is 'False for test data.';
comment on column mart.cohort_ltv_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.cohort_ltv_monthly.cohort_month is 'Month of the first payment of its customers.';
comment on column mart.cohort_ltv_monthly.months_since is 'Months after the cohort''s; 0 is the month itself.';
comment on column mart.cohort_ltv_monthly.month is 'The month counted: cohort_month + months_since.';
comment on column mart.cohort_ltv_monthly.cohort_customers is 'Customers of the cohort: the same in every month.';
comment on column mart.cohort_ltv_monthly.net_minor is
'Their charges less refunds and disputes in the month, minor units.';
comment on column mart.cohort_ltv_monthly.cumulative_net_minor is 'Sum of net_minor from the first month to this one.';
comment on column mart.cohort_ltv_monthly.ltv_minor is
'cumulative_net_minor x dwh.gross_margin() / cohort_customers: what one of them has brought so far.';
comment on column mart.cohort_ltv_monthly.net_reporting_minor is
'net_minor in the reporting currency, each movement by the rate of its day; null where a day has none.';
comment on column mart.cohort_ltv_monthly.cumulative_net_reporting_minor is
'Sum of net_reporting_minor from the first month to this one; null where one of them is.';
comment on column mart.cohort_ltv_monthly.ltv_reporting_minor is
'cumulative_net_reporting_minor x dwh.gross_margin() / cohort_customers.';
comment on column mart.cohort_ltv_monthly.is_complete is 'As in customer_activity_monthly.';
