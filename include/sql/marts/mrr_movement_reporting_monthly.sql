/* Grain: one row per month. MRR of all currencies together, and what moved it, exchange rates apart. */
create materialized view mart.mrr_movement_reporting_monthly as
with final as (
    select
        account_id,
        livemode,
        month,
        (select ops.reporting_currency()) as currency,
        -- all or nothing: a part would look like the whole
        case when count(opening_mrr_reporting_minor) = count(*) then sum(opening_mrr_reporting_minor) end
            as opening_mrr_minor,
        case when count(new_reporting_minor) = count(*) then sum(new_reporting_minor) end
            as new_minor,
        case when count(expansion_reporting_minor) = count(*) then sum(expansion_reporting_minor) end
            as expansion_minor,
        case when count(contraction_reporting_minor) = count(*) then sum(contraction_reporting_minor) end
            as contraction_minor,
        case when count(churn_reporting_minor) = count(*) then sum(churn_reporting_minor) end
            as churn_minor,
        case when count(reactivation_reporting_minor) = count(*) then sum(reactivation_reporting_minor) end
            as reactivation_minor,
        case when count(held_change_reporting_minor) = count(*) then sum(held_change_reporting_minor) end
            as held_change_minor,
        case when count(fx_reporting_minor) = count(*) then sum(fx_reporting_minor) end
            as fx_minor,
        case when count(closing_mrr_reporting_minor) = count(*) then sum(closing_mrr_reporting_minor) end
            as closing_mrr_minor,
        sum(paying_customers)::bigint as paying_customers,
        sum(new_customers)::bigint as new_customers,
        sum(reactivated_customers)::bigint as reactivated_customers,
        sum(churned_customers)::bigint as churned_customers,
        string_agg(currency, ', ' order by currency) filter (
            where num_nulls(
                opening_mrr_reporting_minor,
                new_reporting_minor,
                expansion_reporting_minor,
                contraction_reporting_minor,
                churn_reporting_minor,
                reactivation_reporting_minor,
                held_change_reporting_minor,
                fx_reporting_minor,
                closing_mrr_reporting_minor
            ) > 0
        ) as currencies_without_rate,
        bool_and(is_complete) as is_complete
    from mart.mrr_movement_monthly
    group by account_id, livemode, month
)

select * from final;

create unique index mrr_movement_reporting_monthly_key
on mart.mrr_movement_reporting_monthly (account_id, livemode, month);
comment on materialized view mart.mrr_movement_reporting_monthly is
'Grain: one row per month. closing = opening + new + reactivation + expansion - contraction - churn - held + fx';
comment on column mart.mrr_movement_reporting_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.mrr_movement_reporting_monthly.livemode is 'False for test data.';
comment on column mart.mrr_movement_reporting_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.mrr_movement_reporting_monthly.currency is
'The reporting currency, in which all amounts of the row are.';
comment on column mart.mrr_movement_reporting_monthly.opening_mrr_minor is
'MRR as the month begins, of all currencies, by the rates of the day before; null where one has no rate.';
comment on column mart.mrr_movement_reporting_monthly.new_minor is
'MRR of customers who never had any before, by the rate of the day; null where a movement has no rate.';
comment on column mart.mrr_movement_reporting_monthly.expansion_minor is
'What customers with MRR added to it, likewise.';
comment on column mart.mrr_movement_reporting_monthly.contraction_minor is
'What customers took off it and kept some, as a positive number, likewise.';
comment on column mart.mrr_movement_reporting_monthly.churn_minor is
'MRR of customers who kept none, as a positive number, likewise.';
comment on column mart.mrr_movement_reporting_monthly.reactivation_minor is
'MRR of customers who had had some, and then none, likewise.';
comment on column mart.mrr_movement_reporting_monthly.held_change_minor is
'What moved into pauses and free periods; negative when more came back.';
comment on column mart.mrr_movement_reporting_monthly.fx_minor is
'What exchange rates alone changed: the sum, over days, of the MRR as each began x the change of its rate.';
comment on column mart.mrr_movement_reporting_monthly.closing_mrr_minor is
'MRR as the month ends, of all currencies, by the rates of its last day; null where one has no rate.';
comment on column mart.mrr_movement_reporting_monthly.paying_customers is
'Customers with MRR then; one with MRR in two currencies counts in each.';
comment on column mart.mrr_movement_reporting_monthly.new_customers is 'Customers of new_minor.';
comment on column mart.mrr_movement_reporting_monthly.reactivated_customers is 'Customers of reactivation_minor.';
comment on column mart.mrr_movement_reporting_monthly.churned_customers is 'Customers of churn_minor.';
comment on column mart.mrr_movement_reporting_monthly.currencies_without_rate is
'The currencies that make amounts of the row null: a file of rates fills them. Null when none is missing.';
comment on column mart.mrr_movement_reporting_monthly.is_complete is 'As in mrr_movement_monthly.';
