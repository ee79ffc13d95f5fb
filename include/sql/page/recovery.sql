/* Grain: one row per period of the first attempt. Of the payments that failed, what became of them. */
with apart as (
    select
        asked.period,
        asked.currency,
        p.failure_code,
        p.failed_payments,
        p.retried_payments,
        p.recovered_payments,
        p.lost_payments,
        p.open_payments,
        case when asked.is_converted then p.failed_reporting_minor else p.failed_minor end as failed_minor,
        case when asked.is_converted then p.recovered_reporting_minor else p.recovered_minor end as recovered_minor,
        case when asked.is_converted then p.lost_reporting_minor else p.lost_minor end as lost_minor,
        asked.is_complete and coalesce(p.is_complete, true) as is_complete
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    left join mart.payment_recovery_monthly as p using (account_id, livemode, currency, month)
),

final as (
    select
        period,
        coalesce(sum(failed_payments), 0)::bigint as failed_payments,
        coalesce(sum(retried_payments), 0)::bigint as retried_payments,
        coalesce(sum(recovered_payments), 0)::bigint as recovered_payments,
        coalesce(sum(lost_payments), 0)::bigint as lost_payments,
        coalesce(sum(open_payments), 0)::bigint as open_payments,
        dwh.whole_sum(failed_minor) filter (where failure_code is not null) as failed_minor,
        dwh.whole_sum(recovered_minor) filter (where failure_code is not null) as recovered_minor,
        dwh.whole_sum(lost_minor) filter (where failure_code is not null) as lost_minor,
        sum(recovered_payments) / nullif(sum(failed_payments), 0) as recovery_rate,
        string_agg(distinct currency, ', ') filter (
            where failure_code is not null and num_nulls(failed_minor, recovered_minor, lost_minor) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from apart
    group by period
)

select * from final
order by period;
