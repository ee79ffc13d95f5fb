/* Grain: one row per period. What came in, what went back, what Stripe kept, what is left. */
with daily as (
    select
        asked.*,
        r.day,
        case when asked.is_converted then r.gross_reporting_minor else r.gross_minor end as gross_minor,
        case when asked.is_converted then r.refunded_reporting_minor else r.refunded_minor end as refunded_minor,
        case when asked.is_converted then r.disputed_reporting_minor else r.disputed_minor end as disputed_minor,
        case when asked.is_converted then r.net_reporting_minor else r.net_minor end as net_minor,
        case when asked.is_converted then r.fees_reporting_minor else r.fees_minor end as fees_minor,
        case when asked.is_converted then r.net_after_fees_reporting_minor else r.net_after_fees_minor end
            as net_after_fees_minor
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    left join mart.revenue_daily as r
        on
            asked.account_id = r.account_id
            and asked.livemode = r.livemode
            and asked.currency = r.currency
            and asked.month = date_trunc('month', r.day::timestamp)::date
),

final as (
    select
        period,
        dwh.whole_sum(gross_minor) filter (where day is not null) as gross_minor,
        dwh.whole_sum(refunded_minor) filter (where day is not null) as refunded_minor,
        dwh.whole_sum(disputed_minor) filter (where day is not null) as disputed_minor,
        dwh.whole_sum(net_minor) filter (where day is not null) as net_minor,
        dwh.whole_sum(fees_minor) filter (where day is not null) as fees_minor,
        dwh.whole_sum(net_after_fees_minor) filter (where day is not null) as net_after_fees_minor,
        string_agg(distinct currency, ', ') filter (
            where
            day is not null
            and num_nulls(gross_minor, refunded_minor, disputed_minor, net_minor, fees_minor, net_after_fees_minor) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from daily
    group by period
)

select * from final
order by period;
