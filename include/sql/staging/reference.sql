/* Grain: one row per thing that a document names, or may leave out. Its kinds: ops.enrichment_kind. */
create function staging.reference(object_type text, own_id text, body jsonb) returns table (
    kind text,
    object_id text,
    hint_at timestamptz
)
language sql
stable parallel safe
as $$
    select target.kind, target.object_id, to_timestamp(target.created)
    from jsonb_to_record(body) as r (
        customer jsonb,
        charge jsonb,
        invoice jsonb,
        payment jsonb,
        balance_transaction jsonb,
        failure_balance_transaction jsonb,
        balance_transactions jsonb,
        payment_method jsonb,
        source jsonb,
        card jsonb,
        amount_refunded bigint,
        created bigint
    )
    cross join lateral (
        select named.kind, named.object_id, r.created
        from (
            values
            ('customer', staging.id_of(r.customer)),
            ('charge', staging.id_of(r.charge)),
            ('charge', staging.id_of(r.payment -> 'charge')),
            ('balance_transaction', staging.id_of(r.balance_transaction)),
            ('balance_transaction', staging.id_of(r.failure_balance_transaction)),
            -- what a charge says of its invoice is gone from newer shapes, and the invoice has events of its own
            ('invoice', case when object_type in ('credit_note', 'invoice_payment') then staging.id_of(r.invoice) end),
            (
                'payment_method',
                case
                    when object_type in ('charge', 'payment_intent', 'setup_intent')
                        then coalesce(staging.id_of(r.payment_method), staging.id_of(r.source), staging.id_of(r.card))
                end
            ),
            (
                'charge_refunds',
                case
                    when object_type = 'refund' then staging.id_of(r.charge)
                    when r.amount_refunded > 0 then own_id
                end
            ),
            ('payout_transactions', case when object_type = 'payout' then own_id end)
        ) as named (kind, object_id)
        union all
        -- a dispute shows its own whole: they are wanted all the same, since only raw ones count as known
        select 'balance_transaction', staging.id_of(element), (element ->> 'created')::bigint
        from jsonb_array_elements(staging.list_items(r.balance_transactions)) as element
        -- those of a payout were fetched for it
        where object_type <> 'payout'
    ) as target
    where
        object_type in (
            'charge', 'credit_note', 'dispute', 'invoice_payment', 'payment_intent', 'payout', 'refund', 'setup_intent',
            'transfer'
        )
    union all
    select target.kind, target.object_id, null
    from staging.invoice(body) as i
    cross join lateral (
        select named.kind, named.object_id
        from (
            values
            ('customer', i.customer_id),
            ('subscription', i.subscription_id),
            ('invoice_lines', case when i.has_more_lines then own_id end)
        ) as named (kind, object_id)
        union all
        select named_by_line.kind, named_by_line.object_id
        from jsonb_array_elements(i.lines) as element
        cross join lateral staging.invoice_line(element) as line
        cross join lateral (
            values ('price', line.price_id), ('product', line.product_id)
        ) as named_by_line (kind, object_id)
    ) as target
    where object_type = 'invoice'
    union all
    select target.kind, target.object_id, null
    from staging.subscription(body) as s
    cross join lateral (
        select 'customer' as kind, s.customer_id as object_id
        union all
        select 'payment_method', s.default_payment_method_id
        union all
        select 'subscription_items', case when s.has_more_items then own_id end
        union all
        select
            'subscription_discounts',
            case
                when
                    jsonb_path_exists(s.discounts, '$[*] ? (@.type() == "string")')
                    or jsonb_path_exists(s.items, '$[*].discounts[*] ? (@.type() == "string")')
                    then own_id
            end
        union all
        select named_by_item.kind, named_by_item.object_id
        from jsonb_array_elements(s.items) as element
        cross join lateral staging.subscription_item(element) as item
        cross join lateral (
            values
            ('price', item.price_id),
            ('product', item.product_id),
            -- what it costs in the subscription's currency is told by the price's other currencies
            ('price_currency_options', case when item.currency <> s.currency then item.price_id end)
        ) as named_by_item (kind, object_id)
    ) as target
    where object_type = 'subscription'
    union all
    select target.kind, target.object_id, null
    from staging.price(body) as p
    cross join lateral (
        values
        ('product', p.product_id),
        ('price_tiers', case when p.billing_scheme = 'tiered' or p.tiers_mode is not null then own_id end)
    ) as target (kind, object_id)
    where object_type in ('plan', 'price')
    union all
    -- what a subscription lacks may have come with it
    select 'subscription_discounts', d.subscription_id, null
    from staging.discount(body) as d
    where object_type = 'discount'
    union all
    -- for which products, and how much in other currencies, only the coupon says, and not in its events; since
    -- 2025-09-30.clover a discount does not say either what it takes off
    select 'coupon', d.coupon_id, null
    from (
        select body as document where object_type = 'discount'
        union all
        select inside.document
        from staging.nested(object_type, 'discount', body) as inside
        where object_type in ('customer', 'subscription')
    ) as told
    cross join lateral staging.discount(told.document) as d
    where object_type in ('customer', 'discount', 'subscription')
    union all
    -- also one that is made anew under the id of another
    select 'coupon', own_id, null
    where object_type = 'coupon'
    union all
    select 'customer_balance_transactions', own_id, null
    from jsonb_to_record(body) as r (balance bigint, account_balance bigint)
    where object_type = 'customer' and coalesce(r.balance, r.account_balance, 0) <> 0
    union all
    select 'payment_method', c.default_payment_method_id, null
    from staging.customer(body) as c
    where object_type = 'customer'
    union all
    -- what is wanted of a card is there when it comes inside a customer
    select 'payment_method', p.payment_method_id, null
    from staging.nested('customer', 'payment_method', body) as card
    cross join lateral staging.payment_method(card.document) as p
    where object_type = 'customer'
$$;
comment on function staging.reference(text, text, jsonb) is
'What a document names by its id (kind: that of the object) or may leave out (invoice_lines, price_tiers, ...), and '
'about when it was created (null where nothing tells). Ids may be null, and repeat.';
