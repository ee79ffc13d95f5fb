/* Grain: one row per invoice line, as in the invoice's latest version. What was billed, and for which period. */
select ops.begin_model('invoice_line_fact', upstream => '{invoice_fact}');

-- Lines come and go with their invoice: only the version that invoice_fact shows has the true set.
create temp table latest_invoice on commit drop as
select
    v.account_id,
    v.livemode,
    v.object_id as invoice_id,
    f.customer_id,
    f.created_at as invoiced_at,
    v.body -> 'lines' as lines
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'invoice') as v
inner join dwh.invoice_fact as f
    on
        v.account_id = f.account_id
        and v.livemode = f.livemode
        and v.object_id = f.invoice_id
        and v.version_at = f.version_at
        and v.version_rank = f.version_rank
        and v.version_order = f.version_order;

delete from dwh.invoice_line_fact
using latest_invoice
where
    dwh.invoice_line_fact.account_id = latest_invoice.account_id
    and dwh.invoice_line_fact.livemode = latest_invoice.livemode
    and dwh.invoice_line_fact.invoice_id = latest_invoice.invoice_id;

insert into dwh.invoice_line_fact (
    account_id, livemode, invoice_id, invoice_line_id, line_type, customer_id, price_id, product_id, subscription_id,
    subscription_item_id, invoice_item_id, description, currency, amount_minor, discount_minor, tax_minor,
    unit_amount_minor, quantity, is_proration, invoiced_at, period_start_at, period_end_at
)
select distinct on (i.account_id, i.livemode, i.invoice_id, line.invoice_line_id)
    i.account_id, i.livemode, i.invoice_id, line.invoice_line_id, line.line_type, i.customer_id, line.price_id,
    line.product_id, line.subscription_id, line.subscription_item_id, line.invoice_item_id, line.description,
    line.currency, line.amount_minor, line.discount_minor, line.tax_minor, line.unit_amount_minor, line.quantity,
    line.is_proration, i.invoiced_at, line.period_start_at, line.period_end_at
from latest_invoice as i
cross join lateral jsonb_array_elements(staging.list_items(i.lines)) as element
cross join lateral staging.invoice_line(element) as line
order by i.account_id, i.livemode, i.invoice_id, line.invoice_line_id, element;

select ops.end_model(
    (select count(*) from latest_invoice),
    (
        select count(*)
        from latest_invoice
        inner join dwh.invoice_line_fact using (account_id, livemode, invoice_id)
    )
);
