/* Grain: one row per period of the first attempt. Of the payments that failed, what became of them. */
with asked as (
    select
        $1::text as currency,
        $2::text as account_id, -- null: all of them
        $3::boolean as livemode,
        $4::date as from_month,
        $5::date as until_month, -- exclusive
        $6::text as grain, -- month or quarter
        case $6::text when 'quarter' then 3 else 1 end as months,
        $7::text as price_id -- null: all plans
),

final as (
    select
        date_trunc(asked.grain, p.month::timestamp)::date as period,
        sum(p.failed_payments)::bigint as failed_payments,
        sum(p.retried_payments)::bigint as retried_payments,
        sum(p.recovered_payments)::bigint as recovered_payments,
        sum(p.lost_payments)::bigint as lost_payments,
        sum(p.open_payments)::bigint as open_payments,
        sum(p.failed_minor) as failed_minor,
        sum(p.recovered_minor) as recovered_minor,
        sum(p.lost_minor) as lost_minor,
        sum(p.recovered_payments) / nullif(sum(p.failed_payments), 0) as recovery_rate,
        bool_and(p.is_complete) as is_complete
    from asked
    inner join mart.payment_recovery_monthly as p on asked.currency = p.currency and asked.livemode = p.livemode
    where
        (asked.account_id is null or p.account_id = asked.account_id)
        and p.month >= asked.from_month
        and p.month < asked.until_month
    group by date_trunc(asked.grain, p.month::timestamp)
)

select * from final
order by period;
