/* Check: no invoice has more lines than its document showed (counted only: the run goes on). Layer: dwh. */
select
    account_id,
    livemode,
    count(*) as failing,
    count(*) as allowed,
    min(invoice_id) as first_invoice_id
from dwh.invoice_fact
where has_more_lines
group by account_id, livemode
