/* Grain: one row per object that a document names. A new reference is a line here. */
create function staging.reference(object_type text, body jsonb) returns table (
    kind text,
    object_id text,
    hint_at timestamptz
)
language sql
stable parallel safe
as $$
    select target.kind, target.object_id, to_timestamp(r.created)
    from jsonb_to_record(body) as r (
        customer jsonb,
        charge jsonb,
        invoice jsonb,
        payment jsonb,
        balance_transaction jsonb,
        failure_balance_transaction jsonb,
        created bigint
    )
    cross join lateral (
        values
        ('customer', staging.id_of(r.customer)),
        ('charge', staging.id_of(r.charge)),
        ('charge', staging.id_of(r.payment -> 'charge')),
        -- of a payout, a card or a bank account
        ('balance_transaction', staging.id_of(r.balance_transaction)),
        ('balance_transaction', staging.id_of(r.failure_balance_transaction)),
        ('invoice', case when object_type in ('credit_note', 'invoice_payment') then staging.id_of(r.invoice) end)
    ) as target (kind, object_id)
    where object_type in ('charge', 'credit_note', 'dispute', 'invoice_payment', 'payout', 'refund', 'transfer')
    union all
    -- a dispute shows its balance transactions whole: they are asked for, since raw has each by itself
    select 'balance_transaction', staging.id_of(element), to_timestamp((element ->> 'created')::bigint)
    from jsonb_array_elements(staging.list_items(body -> 'balance_transactions')) as element
    where object_type = 'dispute'
    union all
    select target.kind, target.object_id, null
    from staging.invoice(body) as i
    cross join lateral (
        values ('customer', i.customer_id), ('subscription', i.subscription_id)
    ) as target (kind, object_id)
    where object_type = 'invoice'
    union all
    select target.kind, target.object_id, null
    from jsonb_array_elements(staging.list_items(body -> 'lines')) as element
    cross join lateral staging.invoice_line(element) as line
    cross join lateral (
        values ('price', line.price_id), ('product', line.product_id)
    ) as target (kind, object_id)
    where object_type = 'invoice'
    union all
    select 'customer', s.customer_id, null
    from staging.subscription(body) as s
    where object_type = 'subscription'
    union all
    select target.kind, target.object_id, null
    from staging.subscription(body) as s
    cross join lateral jsonb_array_elements(s.items) as element
    cross join lateral staging.subscription_item(element) as item
    cross join lateral (
        values
        ('price', item.price_id),
        ('product', item.product_id),
        -- what it costs in the subscription's currency is told by the price's other currencies
        ('price_currency_options', case when item.currency <> s.currency then item.price_id end)
    ) as target (kind, object_id)
    where object_type = 'subscription'
    union all
    select 'product', p.product_id, null
    from staging.price(body) as p
    where object_type in ('plan', 'price')
$$;
comment on function staging.reference(text, jsonb) is
'Ids that a document names, with the kind of object that they name and about when it was created (null where nothing '
'tells); ids may be null, and repeat.';
