/* Check: the ledger of MRR comes, for each subscription of today, to what a fresh computation gives. Layer: dwh. */
with counted as (
    select s.*
    from dwh.subscription_dim as s
    where
        s.is_current
        and s.deleted_at is null
        and s.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
        and (s.pause_behavior is null or ops.choice('paused_counts') = 'yes')
        and not (
            ops.choice('churn_moment') = 'cancel_request' and (s.is_cancel_at_period_end or s.cancel_at is not null)
        )
),

item as (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        i.subscription_item_id,
        coalesce(s.currency, i.currency) as currency,
        case
            when i.usage_type = 'metered' then coalesce(billed.amount_minor, 0)
            else
                coalesce(
                    dwh.period_amount(
                        coalesce(i.quantity, 1),
                        case
                            when s.currency <> i.currency
                                then coalesce(
                                    (p.currency_options #>> array[s.currency, 'unit_amount_decimal'])::numeric,
                                    (p.currency_options #>> array[s.currency, 'unit_amount'])::numeric
                                )
                            else coalesce(i.unit_amount_minor, p.unit_amount_minor)
                        end,
                        p.tiers_mode,
                        case
                            when s.currency <> i.currency
                                then p.currency_options #> array[s.currency, 'tiers']
                            else p.tiers
                        end,
                        p.transform_quantity
                    ), 0
                )
        end as gross_minor,
        case i.interval_unit when 'year' then 1.0 when 'month' then 12 when 'week' then 52 when 'day' then 365 end
        / (12 * coalesce(i.interval_count, 1)) as monthly_factor,
        i.discounts
    from counted as s
    inner join dwh.subscription_item_dim as i using (account_id, livemode, subscription_id)
    left join dwh.price_dim as p
        on i.account_id = p.account_id and i.livemode = p.livemode and i.price_id = p.price_id and p.is_current
    -- what was used is worth what the last invoice billed for it
    left join lateral (
        select sum(line.amount_minor) as amount_minor
        from dwh.invoice_line_fact as line
        inner join dwh.invoice_fact as invoice using (account_id, livemode, invoice_id)
        where
            line.account_id = i.account_id
            and line.livemode = i.livemode
            and line.subscription_id = i.subscription_id
            and line.subscription_item_id = i.subscription_item_id
            and line.price_id = i.price_id
            and invoice.status in ('open', 'paid', 'uncollectible')
            and invoice.deleted_at is null
        group by invoice.created_at
        order by invoice.created_at desc
        limit 1
    ) as billed on i.usage_type = 'metered'
    where
        i.is_current
        and i.deleted_at is null
        and (i.usage_type is distinct from 'metered' or (select ops.choice('metered')) = 'last_invoice')
        and i.interval_unit is not null
),

named as (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        null as subscription_item_id,
        case
            when s.discounts <> '[]' then s.discounts
            else coalesce(c.discounts, '[]')
        end as discounts
    from counted as s
    left join dwh.customer_dim as c
        on
            s.account_id = c.account_id
            and s.livemode = c.livemode
            and s.customer_id = c.customer_id
            and c.is_current
            and c.deleted_at is null
    union all
    select account_id, livemode, subscription_id, subscription_item_id, discounts
    from item
),

reduction as (
    select
        named.account_id,
        named.livemode,
        named.subscription_id,
        named.subscription_item_id,
        -- discounts without an id, for some products, or that may have changed or ended since: told by the ledger alone
        bool_or(
            jsonb_typeof(shown.discount) <> 'string'
            or d.discount_id is null
            or k.applies_to_product_ids is not null
            or d.ended_at is not null
            or d.deleted_at is not null
            or coalesce(d.duration, k.duration, '') <> 'forever'
        ) as is_special,
        exp(sum(ln(greatest(1 - coalesce(d.percent_off, k.percent_off, 0) / 100, 1e-30)))) as kept_share,
        coalesce(
            sum(
                case
                    when coalesce(d.currency, k.currency) = item_currency.currency
                        then coalesce(d.amount_off_minor, k.amount_off_minor)
                    else (k.currency_options #>> array[item_currency.currency, 'amount_off'])::numeric
                end
            ), 0
        ) as amount_off_minor
    from named
    cross join lateral jsonb_array_elements(named.discounts) as shown (discount)
    inner join lateral (
        select max(item.currency) as currency
        from item
        where
            item.account_id = named.account_id
            and item.livemode = named.livemode
            and item.subscription_id = named.subscription_id
    ) as item_currency on true
    left join dwh.discount_dim as d
        on
            named.account_id = d.account_id
            and named.livemode = d.livemode
            and shown.discount #>> '{}' = d.discount_id
    left join dwh.coupon_dim as k
        on d.account_id = k.account_id and d.livemode = k.livemode and d.coupon_id = k.coupon_id
    group by named.account_id, named.livemode, named.subscription_id, named.subscription_item_id
),

net as (
    select
        item.account_id,
        item.livemode,
        item.subscription_id,
        item.monthly_factor,
        coalesce(own.is_special, false) or coalesce(whole.is_special, false) as is_special,
        greatest(
            item.gross_minor * coalesce(own.kept_share, 1) * coalesce(whole.kept_share, 1)
            - coalesce(own.amount_off_minor, 0),
            0
        ) as net_minor,
        coalesce(whole.amount_off_minor, 0) as amount_off_minor
    from item
    left join reduction as own using (account_id, livemode, subscription_id, subscription_item_id)
    left join reduction as whole
        on
            item.account_id = whole.account_id
            and item.livemode = whole.livemode
            and item.subscription_id = whole.subscription_id
            and whole.subscription_item_id is null
),

fresh as (
    select
        account_id,
        livemode,
        subscription_id,
        sum(net_minor * monthly_factor)
        * greatest(sum(net_minor) - max(amount_off_minor), 0) / nullif(sum(net_minor), 0) as mrr_minor
    from net
    group by account_id, livemode, subscription_id
    having not bool_or(is_special)
),

ledger as (
    select account_id, livemode, subscription_id, sum(mrr_change_minor) as mrr_minor
    from dwh.mrr_change_fact
    group by account_id, livemode, subscription_id
),

final as (
    select
        fresh.account_id,
        fresh.livemode,
        fresh.subscription_id,
        ledger.mrr_minor as ledger_mrr_minor,
        fresh.mrr_minor as fresh_mrr_minor
    from fresh
    left join ledger using (account_id, livemode, subscription_id)
    where abs(coalesce(ledger.mrr_minor, 0) - coalesce(fresh.mrr_minor, 0)) > 0.01
    union all
    -- what is not counted any more is worth nothing
    select s.account_id, s.livemode, s.subscription_id, ledger.mrr_minor, 0
    from dwh.subscription_dim as s
    inner join ledger using (account_id, livemode, subscription_id)
    where
        s.is_current
        and ledger.mrr_minor <> 0
        and (
            s.deleted_at is not null
            or not s.status = any(string_to_array(ops.choice('mrr_statuses') || ',paused', ','))
        )
)

select * from final
