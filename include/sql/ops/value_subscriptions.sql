/* What the items of subscriptions are worth a month, at every moment at which that may change. */
create function ops.value_subscriptions() returns void
language plpgsql
as $$
begin
    -- When anything changes that a subscription's worth depends on.
    create temp table moment on commit drop as
    with turn as (
        select account_id, livemode, subscription_id, valid_from as at from stretch
        union
        select account_id, livemode, subscription_id, valid_to from stretch
        union
        select account_id, livemode, subscription_id, valid_from from item
        union
        select account_id, livemode, subscription_id, valid_to from item
        union
        select account_id, livemode, subscription_id, valid_from from shown_discount
        union
        select account_id, livemode, subscription_id, valid_to from shown_discount
        union
        select shown.account_id, shown.livemode, shown.subscription_id, bound.at
        from shown_discount as shown
        inner join discount_term as term using (account_id, livemode, discount)
        cross join lateral (values (term.valid_from), (term.valid_to)) as bound (at)
    )

    select
        row_number() over () as moment_id,
        row_number() over (
            partition by turn.account_id, turn.livemode, turn.subscription_id order by turn.at
        ) as number,
        turn.account_id,
        turn.livemode,
        turn.subscription_id,
        turn.at,
        stretch.customer_id,
        stretch.currency,
        coalesce(stretch.is_reconstructed, false) as is_reconstructed,
        coalesce(stretch.state, 'none') as state
    from turn
    left join stretch
        on
            turn.account_id = stretch.account_id
            and turn.livemode = stretch.livemode
            and turn.subscription_id = stretch.subscription_id
            and stretch.valid_from <= turn.at
            and turn.at < stretch.valid_to
    where isfinite(turn.at);
    create index on moment (account_id, livemode, subscription_id, number);
    analyze moment;

    create temp table worth on commit drop as
    select
        row_number() over () as worth_id,
        moment.moment_id,
        moment.number,
        moment.account_id,
        moment.livemode,
        moment.subscription_id,
        moment.customer_id,
        item.subscription_item_id,
        item.price_id,
        item.product_id,
        coalesce(moment.currency, item.currency) as currency,
        item.interval_unit,
        item.interval_count,
        item.is_reconstructed,
        coalesce(
            case
                when moment.currency = item.currency or moment.currency is null or item.currency is null
                    then
                        dwh.period_amount(
                            item.quantity, item.unit_amount_minor, item.tiers_mode, item.tiers, item.transform_quantity
                        )
                else
                    dwh.period_amount(
                        item.quantity,
                        coalesce(
                            (item.currency_options #>> array[moment.currency, 'unit_amount_decimal'])::numeric,
                            (item.currency_options #>> array[moment.currency, 'unit_amount'])::numeric
                        ),
                        item.tiers_mode,
                        item.currency_options #> array[moment.currency, 'tiers'],
                        item.transform_quantity
                    )
            end, 0
        ) as left_minor
    from moment
    inner join item
        on
            moment.account_id = item.account_id
            and moment.livemode = item.livemode
            and moment.subscription_id = item.subscription_id
            and item.valid_from <= moment.at
            and moment.at < item.valid_to
    where
        moment.state in ('mrr', 'paused', 'trial')
        -- whose it is and in which currency, a document tells that is yet to come: mrr_items_priced counts these
        and moment.customer_id is not null
        and coalesce(moment.currency, item.currency) is not null;
    analyze worth;

    create temp table reduction on commit drop as
    with held as (
        select
            moment.moment_id,
            shown.subscription_item_id,
            shown.on_customer,
            shown.place,
            term.percent_off,
            case
                when term.currency = moment.currency then term.amount_off_minor
                else (term.currency_options #>> array[moment.currency, 'amount_off'])::bigint
            end as amount_off_minor,
            term.applies_to_product_ids as product_ids
        from moment
        inner join shown_discount as shown
            on
                moment.account_id = shown.account_id
                and moment.livemode = shown.livemode
                and moment.subscription_id = shown.subscription_id
                and shown.valid_from <= moment.at
                and moment.at < shown.valid_to
        inner join discount_term as term
            on
                shown.account_id = term.account_id
                and shown.livemode = term.livemode
                and shown.discount = term.discount
                and coalesce(term.valid_from <= moment.at, true)
                and coalesce(moment.at < term.valid_to, true)
        where
            not shown.on_customer
            -- discounts of its own, also those that are not subtracted, put its customer's out of force
            or not exists (
                select 1
                from shown_discount as own
                where
                    own.account_id = moment.account_id
                    and own.livemode = moment.livemode
                    and own.subscription_id = moment.subscription_id
                    and own.subscription_item_id is null
                    and not own.on_customer
                    and own.valid_from <= moment.at
                    and moment.at < own.valid_to
            )
    )

    select
        moment_id,
        subscription_item_id,
        percent_off,
        amount_off_minor,
        product_ids,
        row_number() over (
            partition by moment_id
            order by percent_off is null, subscription_item_id is null, subscription_item_id, place
        ) as place
    from held
    where percent_off is not null or amount_off_minor is not null;
    create index on reduction (place, moment_id);
    analyze reduction;
    perform ops.take_off_discounts();

    create temp table mrr_change on commit drop as
    with value as (
        select
            worth.*,
            moment.state,
            -- 12 months, 52 weeks or 365 days in a year; the only division
            round(
                worth.left_minor
                * case worth.interval_unit
                    when 'year' then 1 when 'month' then 12 when 'week' then 52 when 'day' then 365
                end
                / (12 * worth.interval_count),
                10
            ) as monthly_minor
        from worth
        inner join moment using (moment_id)
    ),

    placed as (
        select
            account_id, livemode, subscription_id, customer_id, subscription_item_id, price_id, product_id, currency,
            number,
            is_reconstructed,
            case when state = 'mrr' then monthly_minor else 0 end as mrr_after_minor,
            case when state = 'paused' then monthly_minor else 0 end as paused_after_minor,
            case when state = 'trial' then monthly_minor else 0 end as trial_after_minor,
            lead(number) over item_history as next_number
        from value
        window item_history as (
            partition by account_id, livemode, customer_id, subscription_item_id, price_id order by number
        )
    ),

    -- where an item goes, changes its price, or the subscription ends, it is worth nothing from the next moment on
    filled as (
        select
            account_id, livemode, subscription_id, customer_id, subscription_item_id, price_id, product_id, currency,
            number,
            is_reconstructed, mrr_after_minor, paused_after_minor, trial_after_minor
        from placed
        union all
        select
            account_id, livemode, subscription_id, customer_id, subscription_item_id, price_id, product_id, currency,
            number + 1,
            is_reconstructed, 0, 0, 0
        from placed
        where next_number is distinct from number + 1
    ),

    changed as (
        select
            filled.account_id,
            filled.livemode,
            filled.subscription_id,
            filled.subscription_item_id,
            filled.price_id,
            filled.product_id,
            filled.currency,
            filled.mrr_after_minor,
            filled.paused_after_minor,
            filled.trial_after_minor,
            moment.at as changed_at,
            filled.customer_id,
            moment.is_reconstructed or filled.is_reconstructed as is_reconstructed,
            filled.mrr_after_minor - lag(filled.mrr_after_minor, 1, 0::numeric) over item_history as mrr_change_minor,
            filled.paused_after_minor - lag(filled.paused_after_minor, 1, 0::numeric) over item_history
                as paused_change_minor,
            filled.trial_after_minor - lag(filled.trial_after_minor, 1, 0::numeric) over item_history
                as trial_change_minor
        from filled
        inner join moment
            on
                filled.account_id = moment.account_id
                and filled.livemode = moment.livemode
                and filled.subscription_id = moment.subscription_id
                and filled.number = moment.number
        window item_history as (
            partition by
                filled.account_id, filled.livemode, filled.customer_id, filled.subscription_item_id, filled.price_id
            order by filled.number
        )
    )

    select * from changed
    where mrr_change_minor <> 0 or paused_change_minor <> 0 or trial_change_minor <> 0;
end
$$;
comment on function ops.value_subscriptions() is
'Makes, from the temporary tables stretch (a subscription, its state and discounts through time), item (the same of '
'its items, with their prices), shown_discount (discounts on either or on the customer) and discount_term (what a '
'discount takes off, and when), the temporary table mrr_change: one row per item, price and change, as in '
'dwh.mrr_change_fact.';
