/* What items were, by the lines that charged for them or gave credit: a change shows as one of each at its moment. */
create function ops.read_billed_items() returns void
language plpgsql
as $$
begin
    -- In steps with statistics: guessed to be one row each, they would be joined row by row with all others.
    create temp table setting on commit drop as
    select distinct on (account_id, livemode, subscription_item_id, at) *
    from told
    where not is_credit
    order by
        account_id asc, livemode asc, subscription_item_id asc, at asc,
        is_proration asc, invoiced_at desc, invoice_id desc, price_id desc;
    analyze setting;

    create temp table credit on commit drop as
    select distinct on (account_id, livemode, subscription_item_id, at) *
    from told
    where is_credit
    order by
        account_id asc, livemode asc, subscription_item_id asc, at asc,
        invoiced_at desc, invoice_id desc, price_id desc;
    analyze credit;

    create temp table first_setting on commit drop as
    select distinct on (account_id, livemode, subscription_item_id) *
    from setting
    order by account_id, livemode, subscription_item_id, at;
    analyze first_setting;

    create temp table first_credit on commit drop as
    select distinct on (account_id, livemode, subscription_item_id) *
    from credit
    order by account_id, livemode, subscription_item_id, at;
    analyze first_credit;

    create temp table billed on commit drop as
    with last_setting as (
        select distinct on (account_id, livemode, subscription_item_id) *
        from setting
        order by account_id asc, livemode asc, subscription_item_id asc, at desc
    ),

    last_credit as (
        select distinct on (account_id, livemode, subscription_item_id) *
        from credit
        order by account_id asc, livemode asc, subscription_item_id asc, at desc
    )

    select
        account_id, livemode, subscription_item_id, price_id, product_id, currency, unit_amount_minor, quantity, at,
        (-3)::smallint as version_rank,
        1 as version_order
    from setting
    union all
    -- what was there before the first change is what credit was given for
    select
        c.account_id, c.livemode, c.subscription_item_id, c.price_id, c.product_id, c.currency, c.unit_amount_minor,
        c.quantity, past_item.began_at, -3, 0
    from first_credit as c
    inner join past_item using (account_id, livemode, subscription_item_id)
    left join first_setting as s using (account_id, livemode, subscription_item_id)
    where c.at <= coalesce(s.at, 'infinity')
    union all
    -- an item that was gone by then ended with a credit that nothing replaced, or with what was paid for
    select
        past_item.account_id, past_item.livemode, past_item.subscription_item_id, coalesce(s.price_id, c.price_id),
        coalesce(s.product_id, c.product_id), coalesce(s.currency, c.currency),
        coalesce(s.unit_amount_minor, c.unit_amount_minor), coalesce(s.quantity, c.quantity),
        least(case when c.at > coalesce(s.at, '-infinity') then c.at else s.until_at end, past_item.observed_from),
        3, 0
    from past_item
    left join last_setting as s using (account_id, livemode, subscription_item_id)
    left join last_credit as c using (account_id, livemode, subscription_item_id)
    where past_item.is_gone;
    analyze billed;
end
$$;
comment on function ops.read_billed_items() is
'Makes the temporary table billed, the states of items in the past: from a moment (at) on, the price, quantity and '
'amount that a line charged; before the first change, what credit was given for; with version_rank 3, the end of an '
'item that was gone when Stripe first showed its subscription. Reads two temporary tables of subscription_item_dim: '
'told, what lines say of items, and past_item, the items that have a past, with began_at and is_gone.';
