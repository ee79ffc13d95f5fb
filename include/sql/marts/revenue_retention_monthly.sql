/* Grain: one row per currency and month. How much of the MRR with which a month opened was still there as it closed. */
create materialized view mart.revenue_retention_monthly as
with ends as (
    -- those who had MRR as the month began, or some that was held, and moved in it
    select
        m.account_id,
        m.livemode,
        m.currency,
        date_trunc('month', m.day)::date as month,
        m.customer_id,
        (array_agg(m.opening_mrr_minor + m.closing_held_minor - m.held_change_minor order by m.day))[1]
            as opening_minor,
        (array_agg(m.closing_mrr_minor + m.closing_held_minor order by m.day desc))[1] as closing_minor
    from ops.known_mrr_movement as m
    -- what tells rows apart comes first: most comparisons of the sort end with it
    group by m.customer_id, date_trunc('month', m.day), m.currency, m.account_id, m.livemode
),

changed as (
    select
        account_id,
        livemode,
        currency,
        month,
        sum(closing_minor - opening_minor) as change_minor,
        sum(greatest(opening_minor - closing_minor, 0)) as lost_minor
    from ends
    where opening_minor > 0
    group by account_id, livemode, currency, month
),

opened as (
    select
        moved.*,
        moved.opening_mrr_minor + moved.held_minor - moved.held_change_minor as opening_minor,
        coalesce(changed.change_minor, 0) as change_minor,
        coalesce(changed.lost_minor, 0) as lost_minor,
        lag(moved.reporting_rate) over history as opening_rate
    from mart.mrr_movement_monthly as moved
    left join changed using (account_id, livemode, currency, month)
    window history as (partition by moved.account_id, moved.livemode, moved.currency order by moved.month)
),

final as (
    select
        account_id,
        livemode,
        currency,
        month,
        opening_mrr_minor,
        opening_minor - opening_mrr_minor as opening_held_minor,
        opening_minor + change_minor as kept_minor,
        opening_minor - lost_minor as kept_without_expansion_minor,
        (opening_minor + change_minor) / nullif(opening_minor, 0) as net_revenue_retention,
        (opening_minor - lost_minor) / nullif(opening_minor, 0) as gross_revenue_retention,
        -- of the same customers as the base: what began in the month, and was lost in it, was not there to be kept
        lost_minor / nullif(opening_minor, 0) as gross_mrr_churn_rate,
        -change_minor / nullif(opening_minor, 0) as net_mrr_churn_rate,
        (new_minor + reactivation_minor + expansion_minor) / nullif(churn_minor + contraction_minor, 0) as quick_ratio,
        is_complete,
        -- all at one rate: exchange rates neither keep a customer nor lose one
        ops.converted(opening_mrr_minor, opening_rate) as opening_mrr_reporting_minor,
        ops.converted(opening_minor - opening_mrr_minor, opening_rate) as opening_held_reporting_minor,
        ops.converted(opening_minor + change_minor, opening_rate) as kept_reporting_minor,
        ops.converted(opening_minor - lost_minor, opening_rate) as kept_without_expansion_reporting_minor
    from opened
)

select * from final;

create unique index revenue_retention_monthly_key
on mart.revenue_retention_monthly (account_id, livemode, currency, month);
comment on materialized view mart.revenue_retention_monthly is
'Grain: one row per currency and month. Net and gross revenue retention, MRR churn rates, quick ratio.';
comment on column mart.revenue_retention_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.revenue_retention_monthly.livemode is 'False for test data.';
comment on column mart.revenue_retention_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.revenue_retention_monthly.month is 'First day of the month, in the reporting time zone.';
comment on column mart.revenue_retention_monthly.opening_mrr_minor is 'MRR as the month begins, minor units.';
comment on column mart.revenue_retention_monthly.opening_held_minor is
'What was MRR and is paused or free as the month begins, minor units: the rates are of both, since neither is lost.';
comment on column mart.revenue_retention_monthly.kept_minor is
'MRR and what is held, as the month ends, of the customers who had some of either as it began.';
comment on column mart.revenue_retention_monthly.kept_without_expansion_minor is
'The same, of each customer no more than at the beginning: the sum of min(opening, closing).';
comment on column mart.revenue_retention_monthly.net_revenue_retention is
'NRR: kept_minor / (opening_mrr_minor + opening_held_minor). Customers who came back are not in it.';
comment on column mart.revenue_retention_monthly.gross_revenue_retention is
'GRR: kept_without_expansion_minor / (opening_mrr_minor + opening_held_minor), never above 1.';
comment on column mart.revenue_retention_monthly.gross_mrr_churn_rate is
'1 - GRR: what customers who were there as it began lost by its end / (opening MRR + what is held); never above 1.';
comment on column mart.revenue_retention_monthly.net_mrr_churn_rate is
'1 - NRR: the same less what other such customers won; below 0 where that is more. Reactivation is left apart.';
comment on column mart.revenue_retention_monthly.quick_ratio is
'(new + reactivation + expansion) / (churn + contraction), of all movements in the month; null when nothing was lost.';
comment on column mart.revenue_retention_monthly.is_complete is 'As in mrr_movement_monthly.';
comment on column mart.revenue_retention_monthly.opening_mrr_reporting_minor is
'opening_mrr_minor in the reporting currency, by the rate of the day before the month; null without one.';
comment on column mart.revenue_retention_monthly.opening_held_reporting_minor is 'opening_held_minor, likewise.';
comment on column mart.revenue_retention_monthly.kept_reporting_minor is
'kept_minor by the same rate of the day before: a sum over currencies / that of both opening columns is their NRR.';
comment on column mart.revenue_retention_monthly.kept_without_expansion_reporting_minor is
'kept_without_expansion_minor, likewise.';
