/* Check: MRR on the last day, of each currency and of each plan, is the sum of the ledger until then. Layer: mart. */
with last_day as (
    select distinct on (account_id, livemode, currency) account_id, livemode, currency, day, mrr_minor
    from mart.mrr_daily
    order by account_id asc, livemode asc, currency asc, day desc
),

last_month as (
    select distinct on (account_id, livemode, currency, price_id)
        account_id, livemode, currency, price_id, closing_mrr_minor
    from mart.mrr_by_plan_monthly
    order by account_id asc, livemode asc, currency asc, price_id asc, month desc
),

ledger as (
    select
        c.account_id,
        c.livemode,
        c.currency,
        c.price_id,
        coalesce(
            sum(c.mrr_change_minor) filter (
                where (c.changed_at at time zone ops.choice('reporting_timezone'))::date <= last_day.day
            ), 0
        ) as mrr_minor
    from dwh.mrr_change_fact as c
    inner join ops.reported_mode using (livemode)
    left join last_day using (account_id, livemode, currency)
    group by c.account_id, c.livemode, c.currency, c.price_id
),

compared as (
    select
        account_id, livemode, currency, null as price_id, coalesce(summed.mrr_minor, 0) as ledger_mrr_minor,
        coalesce(last_day.mrr_minor, 0) as mart_mrr_minor
    from (
        select account_id, livemode, currency, sum(mrr_minor) as mrr_minor
        from ledger
        group by account_id, livemode, currency
    ) as summed
    full join last_day using (account_id, livemode, currency)
    union all
    select
        account_id, livemode, currency, price_id, coalesce(ledger.mrr_minor, 0),
        coalesce(last_month.closing_mrr_minor, 0)
    from ledger
    full join last_month using (account_id, livemode, currency, price_id)
)

select *
from compared
where ledger_mrr_minor <> mart_mrr_minor or mart_mrr_minor < 0
