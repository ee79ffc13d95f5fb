/* Grain: one row per channel and month since the install. How much of what ads cost has come back by then. */
with cohort as (
    select
        channel_name,
        install_month,
        months_since,
        -- the same in every currency
        max(users) as users,
        dwh.whole_sum(case when $1::text is null then spend_reporting_minor else spend_minor end) as spend_minor,
        dwh.whole_sum(case when $1::text is null then cumulative_reporting_minor else cumulative_minor end)
            as cumulative_minor,
        string_agg(distinct currency, ', ') filter (
            where $1::text is null and num_nulls(spend_reporting_minor, cumulative_reporting_minor) > 0
        ) as currencies_without_rate
    from mart.acquisition_payback
    where
        -- the share of a month that is not over still grows
        is_complete
        and (currency = $1::text or $1::text is null)
        and livemode = $2::boolean
        and install_month >= $3::date
        and install_month < $4::date
    group by channel_name, install_month, months_since
),

final as (
    select
        channel_name,
        months_since,
        count(*) as install_months,
        sum(users)::bigint as users,
        dwh.whole_sum(spend_minor) as spend_minor,
        dwh.whole_sum(cumulative_minor) as cumulative_minor,
        dwh.whole_sum(cumulative_minor) / nullif(dwh.whole_sum(spend_minor), 0) as payback_share,
        string_agg(distinct currencies_without_rate, ', ') as currencies_without_rate
    from cohort
    group by channel_name, months_since
)

select * from final
order by channel_name, months_since;
