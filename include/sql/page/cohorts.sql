/* Grain: one row per cohort and period since. Of the customers of a period and their MRR, how much is left. */
with placed as (
    select
        asked.account_id,
        asked.currency,
        asked.month as cohort_month,
        asked.period as cohort,
        asked.months,
        asked.reached_until,
        c.months_since,
        -- counted from the first month of the cohort's period
        ((extract(month from asked.month)::integer - 1) % asked.months + c.months_since) / asked.months
            as periods_since,
        c.cohort_customers,
        c.active_customers,
        case when asked.is_converted then r.cohort_mrr_reporting_minor else r.cohort_mrr_minor end as cohort_mrr_minor,
        case when asked.is_converted then r.mrr_reporting_minor else r.mrr_minor end as mrr_minor,
        c.is_complete
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.cohort_retention_monthly as c
        on
            asked.account_id = c.account_id
            and asked.livemode = c.livemode
            and asked.currency = c.currency
            and asked.month = c.cohort_month
    inner join mart.cohort_revenue_retention_monthly as r
        on
            c.account_id = r.account_id
            and c.livemode = r.livemode
            and c.currency = r.currency
            and c.cohort_month = r.cohort_month
            and c.months_since = r.months_since
),

ends as (
    -- of a quarter, its last month, or the last that there is
    select distinct on (account_id, currency, cohort_month, periods_since) *
    from placed
    order by account_id asc, currency asc, cohort_month asc, periods_since asc, months_since desc
),

final as (
    select
        cohort,
        periods_since,
        sum(cohort_customers)::bigint as cohort_customers,
        sum(active_customers)::bigint as active_customers,
        sum(active_customers) / nullif(sum(cohort_customers), 0) as retention_rate,
        dwh.whole_sum(cohort_mrr_minor) as cohort_mrr_minor,
        dwh.whole_sum(mrr_minor) as mrr_minor,
        dwh.whole_sum(mrr_minor) / nullif(dwh.whole_sum(cohort_mrr_minor), 0) as revenue_retention_rate,
        string_agg(distinct currency, ', ') filter (where num_nulls(cohort_mrr_minor, mrr_minor) > 0)
            as currencies_without_rate,
        bool_and(is_complete)
        and cohort + make_interval(months => (periods_since + 1) * months) <= reached_until as is_complete
    from ends
    group by cohort, periods_since, months, reached_until
)

select * from final
order by cohort, periods_since;
