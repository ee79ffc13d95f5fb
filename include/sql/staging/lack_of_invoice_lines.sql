/* Lines no longer change once an invoice is finalized: one complete look after that is enough. */
create function staging.lack_of_invoice_lines(
    p_account_id text, p_livemode boolean, p_invoice_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    with looked as (
        select
            past.*,
            invoice.has_more_lines,
            not invoice.has_more_lines
            and invoice.lines <> '[]'
            and (invoice.finalized_at is not null or invoice.status <> 'draft') as is_complete
        from staging.versions_newest_first(p_account_id, p_livemode, 'invoice', p_invoice_id) as past
        cross join lateral staging.invoice(past.body) as invoice
    )

    select max(looked.wanted_at) filter (where looked.newest_first = 1)
    from looked
    having
        bool_or(looked.newest_first = 1 and not looked.is_deletion and looked.has_more_lines)
        and not bool_or(looked.is_complete)
$$;
comment on function staging.lack_of_invoice_lines(text, boolean, text) is
'One row where the newest version of an invoice shows a part of its lines, and none showed all of them for good: since '
'when an answer would. No row where nothing is lacking.';
