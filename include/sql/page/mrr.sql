/* Grain: one row per period. From the MRR with which it opens to the one with which it closes; whose, and who moved. */
with monthly as (
    select
        asked.*,
        case when asked.is_converted then m.opening_mrr_reporting_minor else m.opening_mrr_minor end
            as opening_mrr_minor,
        case when asked.is_converted then m.new_reporting_minor else m.new_minor end as new_minor,
        case when asked.is_converted then m.expansion_reporting_minor else m.expansion_minor end as expansion_minor,
        case when asked.is_converted then m.reactivation_reporting_minor else m.reactivation_minor end
            as reactivation_minor,
        case when asked.is_converted then m.contraction_reporting_minor else m.contraction_minor end
            as contraction_minor,
        case when asked.is_converted then m.churn_reporting_minor else m.churn_minor end as churn_minor,
        case when asked.is_converted then m.held_change_reporting_minor else m.held_change_minor end
            as held_change_minor,
        case when asked.is_converted then m.fx_reporting_minor else 0 end as fx_minor,
        case when asked.is_converted then m.closing_mrr_reporting_minor else m.closing_mrr_minor end
            as closing_mrr_minor,
        m.subscribers,
        m.paying_customers,
        m.new_customers,
        m.reactivated_customers,
        m.churned_customers
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.mrr_movement_monthly as m using (account_id, livemode, currency, month)
    where $7::text is null -- all plans
    union all
    select
        asked.*,
        p.opening_mrr_minor,
        p.new_minor,
        p.expansion_minor,
        p.reactivation_minor,
        p.contraction_minor,
        p.churn_minor,
        p.held_change_minor,
        0 as fx_minor,
        p.closing_mrr_minor,
        -- who is new to a plan may be none to the company: that is kept for all plans together
        null as subscribers,
        p.paying_customers,
        null as new_customers,
        null as reactivated_customers,
        null as churned_customers
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    inner join mart.mrr_by_plan_monthly as p using (account_id, livemode, currency, month)
    where p.price_id = $7::text
),

placed as (
    select
        *,
        month = min(month) over slice as is_first,
        month = max(month) over slice as is_last
    from monthly
    window slice as (partition by account_id, currency, period)
),

final as (
    select
        period,
        dwh.whole_sum(opening_mrr_minor) filter (where is_first) as opening_mrr_minor,
        dwh.whole_sum(new_minor) as new_minor,
        dwh.whole_sum(expansion_minor) as expansion_minor,
        dwh.whole_sum(reactivation_minor) as reactivation_minor,
        dwh.whole_sum(contraction_minor) as contraction_minor,
        dwh.whole_sum(churn_minor) as churn_minor,
        dwh.whole_sum(held_change_minor) as held_change_minor,
        dwh.whole_sum(fx_minor) as fx_minor,
        dwh.whole_sum(closing_mrr_minor) filter (where is_last) as closing_mrr_minor,
        sum(subscribers) filter (where is_last)::bigint as subscribers,
        sum(paying_customers) filter (where is_last)::bigint as paying_customers,
        sum(new_customers)::bigint as new_customers,
        sum(reactivated_customers)::bigint as reactivated_customers,
        sum(churned_customers)::bigint as churned_customers,
        string_agg(distinct currency, ', ') filter (
            where num_nulls(
                opening_mrr_minor,
                new_minor,
                expansion_minor,
                reactivation_minor,
                contraction_minor,
                churn_minor,
                held_change_minor,
                fx_minor,
                closing_mrr_minor
            ) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from placed
    group by period
)

select * from final
order by period;
