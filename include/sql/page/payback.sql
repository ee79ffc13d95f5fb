/* Grain: one row per channel and month since the install. How much of what ads cost has come back by then. */
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

cohort as (
    select p.*
    from asked
    inner join mart.acquisition_payback as p on asked.currency = p.currency and asked.livemode = p.livemode
    where
        -- the share of a month that is not over still grows
        p.is_complete
        and p.install_month >= asked.from_month
        and p.install_month < asked.until_month
),

final as (
    select
        channel_name,
        months_since,
        count(*) as install_months,
        sum(users)::bigint as users,
        sum(spend_minor) as spend_minor,
        sum(cumulative_minor) as cumulative_minor,
        sum(cumulative_minor) / nullif(sum(spend_minor), 0) as payback_share
    from cohort
    group by channel_name, months_since
)

select * from final
order by channel_name, months_since;
