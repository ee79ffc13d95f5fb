/* Grain: one row per metered price, currency and month. How much was used, and what it was billed for. */
create materialized view mart.metered_usage_monthly as
with usage as (
    select
        line.account_id,
        line.livemode,
        line.price_id,
        coalesce(line.product_id, price.product_id) as product_id,
        coalesce(line.currency, i.currency) as currency,
        (i.created_at at time zone (select ops.choice('reporting_timezone')))::date as day,
        line.invoice_id,
        line.customer_id,
        line.subscription_id,
        line.quantity,
        line.amount_minor,
        line.discount_minor
    from dwh.price_dim as price
    inner join ops.reported_mode as mode on price.livemode = mode.livemode
    inner join dwh.invoice_line_fact as line
        on
            price.account_id = line.account_id
            and price.livemode = line.livemode
            and price.price_id = line.price_id
    inner join dwh.invoice_fact as i
        on
            line.account_id = i.account_id
            and line.livemode = i.livemode
            and line.invoice_id = i.invoice_id
    where
        price.is_current
        and price.usage_type = 'metered'
        -- a draft may change, and what is void was not billed
        and i.status in ('open', 'paid', 'uncollectible')
        and i.deleted_at is null
        and i.created_at is not null
),

summed as (
    select
        usage.account_id,
        usage.livemode,
        usage.price_id,
        usage.currency,
        date_trunc('month', usage.day)::date as month,
        max(usage.product_id) as product_id,
        count(distinct usage.invoice_id) as invoices,
        count(distinct usage.customer_id) as customers,
        sum(coalesce(usage.quantity, 0)) as quantity,
        sum(usage.amount_minor) as amount_minor,
        sum(usage.discount_minor) as discount_minor,
        dwh.whole_sum(ops.converted(coalesce(usage.amount_minor, 0), rate.rate)) as amount_reporting_minor,
        dwh.whole_sum(ops.converted(coalesce(usage.discount_minor, 0), rate.rate)) as discount_reporting_minor
    from usage
    left join mart.reporting_rate_daily as rate on usage.currency = rate.currency and usage.day = rate.day
    where usage.currency is not null
    group by usage.account_id, usage.livemode, usage.price_id, usage.currency, date_trunc('month', usage.day)::date
),

-- once, not for each row
calendar as materialized (
    select span.account_id, span.livemode, period.starts_on as month, period.is_complete
    from (
        select account_id, livemode, min(month) as first_month
        from summed
        group by account_id, livemode
    ) as span
    cross join
        lateral ops.complete_periods(span.account_id, span.livemode, span.first_month, interval '1 month') as period
),

final as (
    select
        summed.account_id,
        summed.livemode,
        summed.price_id,
        summed.product_id,
        summed.currency,
        summed.month,
        summed.invoices,
        summed.customers,
        summed.quantity,
        summed.amount_minor,
        summed.discount_minor,
        summed.amount_minor / nullif(summed.quantity, 0) as amount_per_unit_minor,
        coalesce(calendar.is_complete, false) as is_complete,
        summed.amount_reporting_minor,
        summed.discount_reporting_minor
    from summed
    left join calendar
        on
            summed.account_id = calendar.account_id
            and summed.livemode = calendar.livemode
            and summed.month = calendar.month
)

select * from final;

create unique index metered_usage_monthly_key
on mart.metered_usage_monthly (account_id, livemode, price_id, currency, month);
comment on materialized view mart.metered_usage_monthly is
'Grain: one row per metered price, currency and month of invoice. Usage, billed once it has happened; not MRR.';
comment on column mart.metered_usage_monthly.account_id is 'Stripe account (acct_...).';
comment on column mart.metered_usage_monthly.livemode is 'False for test data.';
comment on column mart.metered_usage_monthly.price_id is 'Metered price (usage_type metered).';
comment on column mart.metered_usage_monthly.product_id is 'Its product.';
comment on column mart.metered_usage_monthly.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.metered_usage_monthly.month is
'Month of the invoice, in the reporting time zone: most often the one after the use.';
comment on column mart.metered_usage_monthly.invoices is
'Invoices with a line of the price: open, paid or uncollectible ones.';
comment on column mart.metered_usage_monthly.customers is 'Customers of these invoices.';
comment on column mart.metered_usage_monthly.quantity is 'Units that were used.';
comment on column mart.metered_usage_monthly.amount_minor is
'What they were billed for, before discounts and taxes on top, minor units.';
comment on column mart.metered_usage_monthly.discount_minor is 'What discounts take off, minor units, positive.';
comment on column mart.metered_usage_monthly.amount_per_unit_minor is
'amount_minor / quantity; null where nothing was used.';
comment on column mart.metered_usage_monthly.is_complete is
'Whether all events of the month have been fetched and loaded, and no open gap touches it.';
comment on column mart.metered_usage_monthly.amount_reporting_minor is
'amount_minor in the reporting currency, each invoice by the rate of its day, minor units; null where a day has none.';
comment on column mart.metered_usage_monthly.discount_reporting_minor is 'discount_minor, likewise.';
