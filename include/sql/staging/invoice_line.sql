/* Reads one line of an invoice, in every shape, newest path first. */
create function staging.invoice_line(line jsonb) returns table (
    invoice_line_id text,
    line_type text,
    price_id text,
    product_id text,
    subscription_id text,
    subscription_item_id text,
    invoice_item_id text,
    description text,
    currency text,
    amount_minor bigint,
    discount_minor bigint,
    own_discount_minor bigint,
    tax_minor bigint,
    unit_amount_minor numeric,
    quantity numeric,
    is_proration boolean,
    period_start_at timestamptz,
    period_end_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        r.id,
        case coalesce(r.parent ->> 'type', r.type)
            when 'subscription_item_details' then 'subscription'
            when 'invoice_item_details' then 'invoiceitem'
            else coalesce(r.parent ->> 'type', r.type)
        end,
        coalesce(
            staging.id_of(r.pricing #> '{price_details,price}'),
            staging.id_of(r.price),
            staging.id_of(r.plan)
        ),
        coalesce(
            staging.id_of(r.pricing #> '{price_details,product}'),
            staging.id_of(r.price -> 'product'),
            staging.id_of(r.plan -> 'product')
        ),
        coalesce(
            r.parent #>> '{subscription_item_details,subscription}',
            r.parent #>> '{invoice_item_details,subscription}',
            staging.id_of(r.subscription),
            -- in the oldest shapes a line has its subscription's id
            case when r.type = 'subscription' and r.id like 'sub\_%' then r.id end
        ),
        coalesce(
            r.parent #>> '{subscription_item_details,subscription_item}',
            staging.id_of(r.subscription_item)
        ),
        coalesce(
            r.parent #>> '{invoice_item_details,invoice_item}',
            r.parent #>> '{subscription_item_details,invoice_item}',
            staging.id_of(r.invoice_item),
            -- and an invoice item's line that item's id
            case when r.type = 'invoiceitem' and r.id like 'ii\_%' then r.id end
        ),
        r.description,
        lower(r.currency),
        r.amount,
        coalesce(staging.sum_of(r.discount_amounts, 'amount'), 0),
        coalesce(
            (
                select sum((part ->> 'amount')::bigint)
                from jsonb_array_elements(staging.list_items(r.discount_amounts)) as part
                where staging.discounts_of(r.discounts, null) ? staging.id_of(part -> 'discount')
            ),
            0
        ),
        coalesce(staging.sum_of(r.taxes, 'amount'), staging.sum_of(r.tax_amounts, 'amount'), 0),
        coalesce(
            (r.pricing ->> 'unit_amount_decimal')::numeric,
            (r.price ->> 'unit_amount_decimal')::numeric,
            (r.plan ->> 'amount_decimal')::numeric,
            (r.plan ->> 'amount')::numeric
        ),
        coalesce(r.quantity_decimal, r.quantity),
        coalesce(
            (r.parent #>> '{subscription_item_details,proration}')::boolean,
            (r.parent #>> '{invoice_item_details,proration}')::boolean,
            r.proration,
            false
        ),
        to_timestamp((r.period ->> 'start')::bigint),
        to_timestamp((r.period ->> 'end')::bigint)
    from jsonb_to_record(line) as r (
        id text,
        type text,
        parent jsonb,
        pricing jsonb,
        price jsonb,
        plan jsonb,
        subscription jsonb,
        subscription_item jsonb,
        invoice_item jsonb,
        description text,
        currency text,
        amount bigint,
        discounts jsonb,
        discount_amounts jsonb,
        taxes jsonb,
        tax_amounts jsonb,
        quantity_decimal numeric,
        quantity numeric,
        proration boolean,
        period jsonb
    )
$$;
comment on function staging.invoice_line(jsonb) is
'Typed columns of one invoice line of any API version; amounts in minor units.';
