/* The event that told that a discount begins or ends: its own, or that of what shows it. */
create function ops.event_of_discount(
    p_account_id text, p_livemode boolean, p_subscription_id text, p_customer_id text, p_at timestamptz
) returns text
language plpgsql
stable
as $$
begin
    return (
        select told.event_id
        from turn_of_discount as turn
        cross join
            lateral coalesce(
                staging.event_of(p_account_id, p_livemode, 'discount', turn.discount #>> '{}', turn.told_at),
                staging.event_of(p_account_id, p_livemode, 'subscription', p_subscription_id, turn.told_at),
                staging.event_of(p_account_id, p_livemode, 'customer', p_customer_id, turn.told_at)
            ) as told (event_id)
        where
            turn.account_id = p_account_id
            and turn.livemode = p_livemode
            and turn.subscription_id = p_subscription_id
            and turn.turned_at = p_at
            and told.event_id is not null
        order by turn.told_at desc, told.event_id asc
        limit 1
    );
end
$$;
comment on function ops.event_of_discount(text, boolean, text, text, timestamptz) is
'Id of the event that told of a discount which begins or ends on a subscription at a moment, by the temporary table '
'turn_of_discount (ops.find_turns_of_discounts); null when there was none.';
