/* Grain: one row per invoice line, as in the invoice's latest version. What was billed, and for which period. */
select ops.begin_model('invoice_line_fact', upstream => '{invoice_fact}');

create temp table arrived_version on commit drop as
select v.account_id, v.livemode, v.object_id as invoice_id, v.version_at, v.version_rank, v.version_order
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'invoice') as v;
analyze arrived_version;

-- Lines come and go with their invoice: only the version that invoice_fact shows has the true set. When that one
-- shows the first lines only, the rest is in the latest version that had them all.
create temp table line_source on commit drop as
with arrived as (
    select distinct v.account_id, v.livemode, v.invoice_id
    from arrived_version as v
    inner join dwh.invoice_fact as f using (account_id, livemode, invoice_id)
    where
        f.has_more_lines
        or (v.version_at, v.version_rank, v.version_order) = (f.version_at, f.version_rank, f.version_order)
),

version as (
    select
        f.account_id,
        f.livemode,
        f.invoice_id,
        f.customer_id,
        f.created_at as invoiced_at,
        f.has_more_lines,
        invoice.lines,
        invoice.has_more_lines as is_cut,
        (v.version_at, v.version_rank, v.version_order) = (f.version_at, f.version_rank, f.version_order) as is_latest,
        v.version_at,
        v.version_rank,
        v.version_order
    from arrived
    inner join dwh.invoice_fact as f
        on
            arrived.account_id = f.account_id
            and arrived.livemode = f.livemode
            and arrived.invoice_id = f.invoice_id
    cross join
        lateral staging.versions_of_object(
            arrived.account_id,
            arrived.livemode,
            'invoice',
            arrived.invoice_id,
            -- the one that invoice_fact shows is enough where it has all lines
            case when f.has_more_lines then '-infinity' else f.version_at end
        ) as v
    cross join lateral staging.invoice(v.body) as invoice
),

complete as (
    select distinct on (account_id, livemode, invoice_id) *
    from version
    where has_more_lines and not is_cut and lines <> '[]'
    order by account_id asc, livemode asc, invoice_id asc, version_at desc, version_rank desc, version_order desc
)

select account_id, livemode, invoice_id, customer_id, invoiced_at, is_latest, lines
from version
where is_latest
union all
select account_id, livemode, invoice_id, customer_id, invoiced_at, is_latest, lines
from complete;
analyze line_source (account_id, livemode, invoice_id, is_latest);

delete from dwh.invoice_line_fact
using line_source
where
    dwh.invoice_line_fact.account_id = line_source.account_id
    and dwh.invoice_line_fact.livemode = line_source.livemode
    and dwh.invoice_line_fact.invoice_id = line_source.invoice_id;

insert into dwh.invoice_line_fact (
    account_id, livemode, invoice_id, invoice_line_id, line_type, customer_id, price_id, product_id, subscription_id,
    subscription_item_id, invoice_item_id, description, currency, amount_minor, discount_minor, own_discount_minor,
    tax_minor, unit_amount_minor, quantity, is_proration, invoiced_at, period_start_at, period_end_at
)
select distinct on (i.account_id, i.livemode, i.invoice_id, line.invoice_line_id)
    i.account_id, i.livemode, i.invoice_id, line.invoice_line_id, line.line_type, i.customer_id, line.price_id,
    line.product_id, line.subscription_id, line.subscription_item_id, line.invoice_item_id, line.description,
    line.currency, line.amount_minor, line.discount_minor, line.own_discount_minor, line.tax_minor,
    line.unit_amount_minor, line.quantity, line.is_proration, i.invoiced_at, line.period_start_at, line.period_end_at
from line_source as i
cross join lateral jsonb_array_elements(i.lines) as element
cross join lateral staging.invoice_line(element) as line
order by
    i.account_id asc, i.livemode asc, i.invoice_id asc, line.invoice_line_id asc, i.is_latest desc, element asc;

select ops.end_model(
    (select count(*) from line_source where is_latest),
    (
        select count(*)
        from line_source
        inner join dwh.invoice_line_fact using (account_id, livemode, invoice_id)
        where line_source.is_latest
    )
);
