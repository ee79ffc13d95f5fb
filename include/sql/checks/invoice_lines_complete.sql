/* Check: no invoice waits for lines that its document did not show (counted only: the run goes on). Layer: dwh. */
select
    f.account_id,
    f.livemode,
    count(*) as failing,
    count(*) as allowed,
    min(f.invoice_id) as first_invoice_id
from dwh.invoice_fact as f
inner join ops.enrichment_awaited as q
    on f.account_id = q.account_id and f.livemode = q.livemode and f.invoice_id = q.object_id
where f.has_more_lines and q.kind = 'invoice_lines'
group by f.account_id, f.livemode
