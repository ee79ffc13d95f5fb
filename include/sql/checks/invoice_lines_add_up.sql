/* Check: the lines of an invoice add up to its subtotal, but for lines that are still to be fetched. Layer: dwh. */
-- Stripe's subtotal is before the discounts of the whole invoice and exclusive tax, and after those of single lines.
with line as (
    select
        account_id, livemode, invoice_id, count(*) as line_count, sum(amount_minor) as amount_minor,
        sum(own_discount_minor) as own_discount_minor
    from dwh.invoice_line_fact
    group by account_id, livemode, invoice_id
)

select
    f.account_id, f.livemode, f.invoice_id, f.status, f.subtotal_minor, line.line_count,
    line.amount_minor as lines_minor, line.own_discount_minor
from dwh.invoice_fact as f
left join line on f.account_id = line.account_id and f.livemode = line.livemode and f.invoice_id = line.invoice_id
left join ops.enrichment_awaited as q
    on
        f.account_id = q.account_id
        and f.livemode = q.livemode
        and f.invoice_id = q.object_id
        and q.kind = 'invoice_lines'
where
    f.subtotal_minor <> coalesce(line.amount_minor - line.own_discount_minor, 0)
    and (not f.has_more_lines or q.object_id is null)
