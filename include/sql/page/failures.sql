/* Grain: one row per failure code. Why payments failed, and how many of them came in after all. */
with asked as (
    -- of a reason all is known when all of the range is: also the months without it
    select *, bool_and(is_complete) over () as is_known
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text)
),

apart as (
    select
        p.failure_code,
        asked.currency,
        p.failed_payments,
        p.retried_payments,
        p.recovered_payments,
        p.lost_payments,
        p.open_payments,
        case when asked.is_converted then p.failed_reporting_minor else p.failed_minor end as failed_minor,
        case when asked.is_converted then p.recovered_reporting_minor else p.recovered_minor end as recovered_minor,
        case when asked.is_converted then p.lost_reporting_minor else p.lost_minor end as lost_minor,
        asked.is_known and p.is_complete as is_complete
    from asked
    inner join mart.payment_recovery_monthly as p using (account_id, livemode, currency, month)
),

final as (
    select
        failure_code,
        sum(failed_payments)::bigint as failed_payments,
        sum(retried_payments)::bigint as retried_payments,
        sum(recovered_payments)::bigint as recovered_payments,
        sum(lost_payments)::bigint as lost_payments,
        sum(open_payments)::bigint as open_payments,
        dwh.whole_sum(failed_minor) as failed_minor,
        dwh.whole_sum(recovered_minor) as recovered_minor,
        dwh.whole_sum(lost_minor) as lost_minor,
        sum(recovered_payments) / nullif(sum(failed_payments), 0) as recovery_rate,
        string_agg(distinct currency, ', ') filter (
            where num_nulls(failed_minor, recovered_minor, lost_minor) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from apart
    group by failure_code
)

select * from final
order by failed_payments desc, failure_code asc;
