/* A discount is known from its own events, which name the subscription, or where a version of it shows it whole. */
create function staging.lack_of_subscription_discounts(
    p_account_id text, p_livemode boolean, p_subscription_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    -- dwh.discount_dim knows more, but not which subscriptions to ask again
    with shown as (
        select past.newest_first, past.is_deletion, past.wanted_at, discount.value as discount
        from staging.versions_newest_first(p_account_id, p_livemode, 'subscription', p_subscription_id) as past
        cross join lateral jsonb_to_record(past.body) as r (discounts jsonb, items jsonb)
        cross join
            lateral (
                select own.value from jsonb_path_query(r.discounts, '$[*]') as own (value)
                union all
                select of_item.value from jsonb_path_query(r.items, '$.data[*].discounts[*]') as of_item (value)
            ) as discount
    )

    select distinct named.wanted_at
    from shown as named
    where
        named.newest_first = 1
        and not named.is_deletion
        and jsonb_typeof(named.discount) = 'string'
        and not exists (
            select 1 from shown as whole where whole.discount ->> 'id' = named.discount #>> '{}'
        )
        and not exists (
            select 1
            from staging.versions_of_object(p_account_id, p_livemode, 'discount', named.discount #>> '{}') as own
            where staging.id_of(own.body -> 'subscription') = p_subscription_id
        )
$$;
comment on function staging.lack_of_subscription_discounts(text, boolean, text) is
'One row where the newest version of a subscription, or of an item in it, names a discount by its id that nothing '
'shows: since when an answer would. No row where nothing is lacking.';
