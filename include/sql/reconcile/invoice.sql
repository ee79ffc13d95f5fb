/* Grain: one row per invoice and side that shows it. Compared: what was asked for and paid. */
with listed_invoice as (
    select listed.account_id, listed.livemode, listed.object_id, listed.observed_at, invoice.*
    from listed
    cross join lateral staging.invoice(listed.payload) as invoice
),

listed_line as (
    select distinct on (listed_invoice.object_id, line.invoice_line_id)
        listed_invoice.object_id,
        line.amount_minor
    from listed_invoice
    cross join lateral jsonb_array_elements(listed_invoice.lines) as element
    cross join lateral staging.invoice_line(element) as line
    where not listed_invoice.has_more_lines
    order by listed_invoice.object_id, line.invoice_line_id, element
),

listed_lines as (
    select object_id, count(*) as line_count, sum(amount_minor) as lines_minor
    from listed_line
    group by object_id
),

held_invoice as (
    select held.*
    from wanted
    inner join dwh.invoice_fact as held
        on
            wanted.account_id = held.account_id
            and wanted.livemode = held.livemode
            and wanted.object_id = held.invoice_id
    where held.deleted_at is null
),

held_lines as (
    select
        held_invoice.invoice_id,
        count(*) as line_count,
        sum(line.amount_minor) as lines_minor
    from held_invoice
    inner join dwh.invoice_line_fact as line
        on
            held_invoice.account_id = line.account_id
            and held_invoice.livemode = line.livemode
            and held_invoice.invoice_id = line.invoice_id
    where
        -- where the list shows the first lines only, the check that all of them add up to the subtotal has to do
        not exists (
            select 1
            from listed_invoice as shown
            where shown.object_id = held_invoice.invoice_id and shown.has_more_lines
        )
    group by held_invoice.invoice_id
),

final as (
    select
        'listed' as side,
        invoice.object_id,
        invoice.observed_at as seen_at,
        invoice.customer_id,
        invoice.subscription_id,
        invoice.status,
        invoice.currency,
        invoice.amount_due_minor,
        invoice.amount_paid_minor,
        invoice.amount_remaining_minor,
        invoice.subtotal_minor,
        invoice.discount_minor,
        invoice.tax_minor,
        invoice.total_minor,
        -- a draft shows what its customer has at the moment, and no event tells that this moved
        case when invoice.status <> 'draft' then invoice.starting_balance_minor end as starting_balance_minor,
        invoice.ending_balance_minor,
        listed_lines.line_count,
        listed_lines.lines_minor
    from listed_invoice as invoice
    left join listed_lines on invoice.object_id = listed_lines.object_id
    union all
    select
        'held' as side,
        held.invoice_id,
        held.version_at,
        held.customer_id,
        held.subscription_id,
        held.status,
        held.currency,
        held.amount_due_minor,
        held.amount_paid_minor,
        held.amount_remaining_minor,
        held.subtotal_minor,
        held.discount_minor,
        held.tax_minor,
        held.total_minor,
        case when held.status <> 'draft' then held.starting_balance_minor end,
        held.ending_balance_minor,
        held_lines.line_count,
        held_lines.lines_minor
    from held_invoice as held
    left join held_lines on held.invoice_id = held_lines.invoice_id
)

select * from final
