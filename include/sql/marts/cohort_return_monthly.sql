/* Grain: one row per currency, month and later month. Of those who paid in a month, how many paid in a later one. */
create materialized view mart.cohort_return_monthly as
with pattern as (
    -- customers who paid in the same months are counted once: far fewer than the pairs of their months
    select account_id, livemode, currency, months, count(*) as customers
    from (
        select f.account_id, f.livemode, f.currency, f.customer_id, array_agg(f.month order by f.day) as months
        from dwh.customer_payment_fact as f
        inner join ops.reported_mode as mode on f.livemode = mode.livemode
        where f.is_first_in_month
        -- in the order of the key: nothing is sorted
        group by f.account_id, f.livemode, f.customer_id, f.currency
    ) as customer
    group by account_id, livemode, currency, months
),

pair as (
    select
        pattern.account_id,
        pattern.livemode,
        pattern.currency,
        earlier.month,
        later.month as later_month,
        sum(pattern.customers) as customers
    from pattern
    cross join lateral unnest(pattern.months) as earlier (month)
    cross join lateral unnest(pattern.months) as later (month)
    where earlier.month < later.month
    group by pattern.account_id, pattern.livemode, pattern.currency, earlier.month, later.month
),

final as (
    select
        whole.account_id,
        whole.livemode,
        whole.currency,
        whole.month,
        later.month as later_month,
        ops.months_between(whole.month, later.month) as months_later,
        whole.active_customers as customers,
        coalesce(pair.customers, 0)::bigint as returned_customers,
        coalesce(pair.customers, 0) / nullif(whole.active_customers, 0) as return_rate,
        later.is_complete
    from mart.customer_activity_monthly as whole
    inner join mart.customer_activity_monthly as later
        on
            whole.account_id = later.account_id
            and whole.livemode = later.livemode
            and whole.currency = later.currency
            and whole.month < later.month
    left join pair
        on
            whole.account_id = pair.account_id
            and whole.livemode = pair.livemode
            and whole.currency = pair.currency
            and whole.month = pair.month
            and later.month = pair.later_month
)

select * from final;

create unique index cohort_return_monthly_key
on mart.cohort_return_monthly (account_id, livemode, currency, month, later_month);
comment on materialized view mart.cohort_return_monthly is
'Grain: one row per currency, month and later month. return_rate = of its paying customers, those who paid then too.';
comment on column mart.cohort_return_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.cohort_return_monthly.livemode is 'False for test data.';
comment on column mart.cohort_return_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.cohort_return_monthly.month is
'Month in which the customers paid, whether for the first time or not.';
comment on column mart.cohort_return_monthly.later_month is 'Month after it in which they are looked for.';
comment on column mart.cohort_return_monthly.months_later is 'Months from the one to the other.';
comment on column mart.cohort_return_monthly.customers is 'Customers with a successful charge in month.';
comment on column mart.cohort_return_monthly.returned_customers is
'Those of them with a successful charge in later_month too, whatever lies between.';
comment on column mart.cohort_return_monthly.return_rate is
'returned_customers / customers, 0 to 1; null where nobody paid in month.';
comment on column mart.cohort_return_monthly.is_complete is
'Whether later_month is complete, as in customer_activity_monthly.';
