/* Check: the ledger comes, for each subscription as it is last known, to what a fresh computation gives. Layer: dwh. */
-- The ledger may tell of days to come, when a discount will have ended: both are taken as of the last known moment.
with recursive reach as (
    select account_id, livemode, max(told_at) as at
    from (
        select account_id, livemode, max(greatest(valid_from, deleted_at)) as told_at
        from dwh.subscription_dim
        group by account_id, livemode
        union all
        select account_id, livemode, max(greatest(valid_from, deleted_at))
        from dwh.subscription_item_dim
        group by account_id, livemode
        union all
        select account_id, livemode, max(greatest(valid_from, deleted_at))
        from dwh.customer_dim
        group by account_id, livemode
        union all
        select account_id, livemode, max(greatest(version_at, deleted_at))
        from dwh.discount_dim
        group by account_id, livemode
        union all
        select account_id, livemode, max(created_at) from dwh.invoice_fact group by account_id, livemode
    ) as told
    group by account_id, livemode
),

subscription as materialized (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        s.customer_id,
        s.currency,
        s.discounts,
        reach.at,
        case
            when s.deleted_at is null and s.customer_id is not null
                then ops.mrr_state(s.status, s.pause_behavior, s.is_cancel_at_period_end, s.cancel_at)
            else 'none'
        end as state
    from dwh.subscription_dim as s
    inner join reach using (account_id, livemode)
    where s.is_current
),

item as materialized (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        i.subscription_item_id,
        coalesce(i.product_id, p.product_id) as product_id,
        coalesce(s.currency, i.currency, p.currency) as currency,
        case
            when i.usage_type = 'metered' then coalesce(billed.amount_minor, 0)
            else
                coalesce(
                    dwh.period_amount(
                        coalesce(i.quantity, 1),
                        case
                            when s.currency <> coalesce(i.currency, p.currency)
                                then coalesce(
                                    (p.currency_options #>> array[s.currency, 'unit_amount_decimal'])::numeric,
                                    (p.currency_options #>> array[s.currency, 'unit_amount'])::numeric
                                )
                            else coalesce(i.unit_amount_minor, p.unit_amount_minor)
                        end,
                        p.tiers_mode,
                        case
                            when s.currency <> coalesce(i.currency, p.currency)
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
    from subscription as s
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
        s.state <> 'none'
        and i.is_current
        and i.deleted_at is null
        and (i.usage_type is distinct from 'metered' or (select ops.choice('metered')) = 'last_invoice')
        and i.interval_unit is not null
        and i.price_id is not null
        and coalesce(s.currency, i.currency, p.currency) is not null
),

shown as (
    select
        s.account_id, s.livemode, s.subscription_id, null as subscription_item_id, s.at, listed.discount, listed.place
    from subscription as s
    left join dwh.customer_dim as c
        on
            s.account_id = c.account_id
            and s.livemode = c.livemode
            and s.customer_id = c.customer_id
            and c.is_current
            and c.deleted_at is null
    -- discounts of its own put its customer's out of force
    cross join
        lateral jsonb_array_elements(
            case when s.discounts <> '[]' then s.discounts else coalesce(c.discounts, '[]') end
        ) with ordinality as listed (discount, place)
    where s.state <> 'none'
    union all
    select
        item.account_id, item.livemode, item.subscription_id, item.subscription_item_id, s.at, listed.discount,
        listed.place
    from item
    inner join subscription as s using (account_id, livemode, subscription_id)
    cross join lateral jsonb_array_elements(item.discounts) with ordinality as listed (discount, place)
    where item.discounts <> '[]'
),

reduction as materialized (
    select
        shown.account_id,
        shown.livemode,
        shown.subscription_id,
        shown.subscription_item_id,
        terms.percent_off,
        terms.amount_off_minor,
        terms.currency,
        k.currency_options,
        k.applies_to_product_ids as product_ids,
        row_number() over (
            partition by shown.account_id, shown.livemode, shown.subscription_id
            order by
                terms.percent_off is null, shown.subscription_item_id is null, shown.subscription_item_id, shown.place
        ) as place
    from shown
    left join dwh.discount_dim as d
        on
            shown.account_id = d.account_id
            and shown.livemode = d.livemode
            and shown.discount = to_jsonb(d.discount_id)
    -- the oldest discounts have no id, and say all themselves
    cross join
        lateral jsonb_to_record(
            case jsonb_typeof(shown.discount) when 'object' then shown.discount else '{}' end
        )
            as own (
                coupon text,
                duration text,
                currency text,
                percent_off numeric,
                amount_off bigint,
                start bigint,
                "end" bigint
            )
    left join lateral (
        select life.*
        from staging.coupon_terms(shown.account_id, shown.livemode, coalesce(d.coupon_id, own.coupon)) as life
        where
            coalesce(d.started_at, to_timestamp(own.start), d.version_at, '-infinity') >= life.given_from
            and coalesce(d.started_at, to_timestamp(own.start), d.version_at, '-infinity') < life.given_until
    ) as k on true
    cross join
        lateral (
            select told.*
            from (
                values
                (1, d.percent_off, d.amount_off_minor, d.currency, d.duration),
                (2, own.percent_off, own.amount_off, own.currency, own.duration),
                (3, k.percent_off, k.amount_off_minor, k.currency, k.duration),
                (
                    4, (d.coupon_terms #>> array[d.coupon_id, 'percent_off'])::numeric,
                    (d.coupon_terms #>> array[d.coupon_id, 'amount_off_minor'])::bigint,
                    d.coupon_terms #>> array[d.coupon_id, 'currency'], d.coupon_terms #>> array[d.coupon_id, 'duration']
                )
            ) as told (rank, percent_off, amount_off_minor, currency, duration)
            where coalesce(told.percent_off, told.amount_off_minor) is not null
            order by told.rank
            limit 1
        ) as terms
    where
        coalesce(terms.percent_off, terms.amount_off_minor) is not null
        and (
            terms.duration = 'forever'
            or (terms.duration = 'repeating' and ops.choice('subtract_repeating') = 'yes')
            or (terms.duration = 'once' and ops.choice('subtract_once') = 'yes')
        )
        and coalesce(d.started_at, to_timestamp(own.start), '-infinity') <= shown.at
        and least(d.ended_at, d.deleted_at, to_timestamp(own."end"), 'infinity') > shown.at
),

-- one after another, percentages first; an amount is spread by the shares of what is left
reduced as (
    select
        account_id, livemode, subscription_id, subscription_item_id, product_id, currency, monthly_factor,
        gross_minor::numeric as left_minor, 0::bigint as place
    from item
    union all
    select
        account_id, livemode, subscription_id, subscription_item_id, product_id, currency, monthly_factor,
        case
            when not applies or left_minor <= 0 then left_minor
            when percent_off is not null then left_minor * (100 - percent_off) / 100
            else
                left_minor * greatest(
                    1 - coalesce(amount_off_minor, 0) / sum(left_minor) filter (where applies) over (
                        partition by account_id, livemode, subscription_id
                    ), 0
                )
        end,
        place
    from (
        select
            before.account_id,
            before.livemode,
            before.subscription_id,
            before.subscription_item_id,
            before.product_id,
            before.currency,
            before.monthly_factor,
            before.left_minor,
            r.place,
            r.percent_off,
            case
                when r.currency = before.currency then r.amount_off_minor
                else (r.currency_options #>> array[before.currency, 'amount_off'])::numeric
            end as amount_off_minor,
            coalesce(r.subscription_item_id = before.subscription_item_id, true)
            and coalesce(before.product_id = any(r.product_ids), r.product_ids is null) as applies
        from reduced as before
        inner join reduction as r
            on
                before.account_id = r.account_id
                and before.livemode = r.livemode
                and before.subscription_id = r.subscription_id
                and before.place + 1 = r.place
    ) as due
),

fresh as (
    select account_id, livemode, subscription_id, sum(left_minor * monthly_factor) as mrr_minor
    from (
        select distinct on (account_id, livemode, subscription_id, subscription_item_id) *
        from reduced
        order by account_id asc, livemode asc, subscription_id asc, subscription_item_id asc, place desc
    ) as last_left
    group by account_id, livemode, subscription_id
),

ledger as (
    select
        c.account_id,
        c.livemode,
        c.subscription_id,
        sum(c.mrr_change_minor) as mrr_minor,
        sum(c.paused_change_minor) as paused_minor,
        sum(c.trial_change_minor) as trial_minor
    from dwh.mrr_change_fact as c
    inner join reach using (account_id, livemode)
    where c.changed_at <= reach.at
    group by c.account_id, c.livemode, c.subscription_id
),

final as (
    select
        s.account_id,
        s.livemode,
        s.subscription_id,
        s.state,
        coalesce(ledger.mrr_minor, 0) as ledger_mrr_minor,
        case s.state when 'mrr' then coalesce(fresh.mrr_minor, 0) else 0 end as fresh_mrr_minor,
        coalesce(ledger.paused_minor, 0) as ledger_paused_minor,
        case s.state when 'paused' then coalesce(fresh.mrr_minor, 0) else 0 end as fresh_paused_minor,
        coalesce(ledger.trial_minor, 0) as ledger_trial_minor,
        case s.state when 'trial' then coalesce(fresh.mrr_minor, 0) else 0 end as fresh_trial_minor
    from subscription as s
    left join fresh using (account_id, livemode, subscription_id)
    left join ledger using (account_id, livemode, subscription_id)
)

select *
from final
where
    abs(ledger_mrr_minor - fresh_mrr_minor) > 0.01
    or abs(ledger_paused_minor - fresh_paused_minor) > 0.01
    or abs(ledger_trial_minor - fresh_trial_minor) > 0.01
