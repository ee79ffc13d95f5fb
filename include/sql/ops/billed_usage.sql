/* What metered items were last billed for, through time: their worth, where the policy `metered` says so. */
create function ops.billed_usage() returns table (
    account_id text,
    livemode boolean,
    subscription_id text,
    subscription_item_id text,
    price_id text,
    product_id text,
    currency text,
    discounts jsonb,
    valid_from timestamptz,
    valid_to timestamptz,
    amount_minor numeric,
    interval_unit text,
    interval_count integer,
    is_reconstructed boolean
)
language plpgsql
as $$
#variable_conflict use_column
begin
    if ops.choice('metered') <> 'last_invoice' then
        return;
    end if;
    return query
    with used as (
        select
            known.account_id,
            known.livemode,
            known.subscription_id,
            known.subscription_item_id,
            known.price_id,
            known.product_id,
            known.currency,
            known.discounts,
            known.valid_from,
            coalesce(known.valid_to, known.deleted_at, 'infinity') as valid_to,
            known.interval_unit,
            coalesce(known.interval_count, 1) as interval_count,
            known.is_reconstructed
        from affected
        inner join dwh.subscription_item_dim as known using (account_id, livemode, subscription_id)
        where known.usage_type = 'metered' and known.interval_unit is not null and known.price_id is not null
    ),

    billed as (
        select
            line.account_id,
            line.livemode,
            line.subscription_item_id,
            line.price_id,
            i.created_at as billed_at,
            sum(line.amount_minor)::numeric as amount_minor
        from (select distinct account_id, livemode, subscription_id, subscription_item_id from used) as item
        inner join dwh.invoice_line_fact as line using (account_id, livemode, subscription_id, subscription_item_id)
        inner join dwh.invoice_fact as i
            on
                line.account_id = i.account_id
                and line.livemode = i.livemode
                and line.invoice_id = i.invoice_id
        -- a draft may change, and what is void was not billed
        where i.status in ('open', 'paid', 'uncollectible') and i.deleted_at is null and i.created_at is not null
        group by line.account_id, line.livemode, line.subscription_item_id, line.price_id, i.created_at
    ),

    lasting as (
        select
            *,
            lead(billed_at, 1, 'infinity'::timestamptz) over (
                partition by account_id, livemode, subscription_item_id, price_id order by billed_at
            ) as next_at
        from billed
    )

    select
        used.account_id,
        used.livemode,
        used.subscription_id,
        used.subscription_item_id,
        used.price_id,
        used.product_id,
        used.currency,
        used.discounts,
        greatest(used.valid_from, lasting.billed_at),
        least(used.valid_to, lasting.next_at),
        lasting.amount_minor,
        used.interval_unit,
        used.interval_count,
        used.is_reconstructed
    from used
    inner join lasting
        on
            used.account_id = lasting.account_id
            and used.livemode = lasting.livemode
            and used.subscription_item_id = lasting.subscription_item_id
            and used.price_id = lasting.price_id
            and used.valid_from < lasting.next_at
            and lasting.billed_at < used.valid_to;
end
$$;
comment on function ops.billed_usage() is
'Of the metered items of the subscriptions in the temporary table affected: what their last invoice billed for one '
'cycle, before discounts of the whole invoice, in minor units, from its creation to the next one. Nothing unless the '
'policy metered is last_invoice.';
