/* Grain: one row per period in which trials ended. How many of them became customers. */
with final as (
    select
        asked.period,
        coalesce(sum(t.trials), 0)::bigint as trials,
        coalesce(sum(t.converted_trials), 0)::bigint as converted_trials,
        sum(t.converted_trials) / nullif(sum(t.trials), 0) as conversion_rate,
        bool_and(asked.is_complete and coalesce(t.is_complete, true)) as is_complete
    from mart.asked_months($1::text, $2::boolean, $3::date, $4::date, $5::text, $6::text) as asked
    left join mart.trial_conversion_monthly as t
        on
            asked.account_id = t.account_id
            and asked.livemode = t.livemode
            and asked.currency = t.currency
            and asked.month = t.month
            and t.basis = 'ended'
    group by asked.period
)

select * from final
order by period;
