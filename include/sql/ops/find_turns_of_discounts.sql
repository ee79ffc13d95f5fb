/* When discounts begin and end on subscriptions, and when that was told: an end often long before it. */
create function ops.find_turns_of_discounts() returns void
language plpgsql
as $$
begin
    create temp table turn_of_discount on commit drop as
    select distinct
        shown.account_id, shown.livemode, shown.subscription_id, shown.discount, turn.turned_at, turn.told_at
    from shown_discount as shown
    inner join discount_term as term using (account_id, livemode, discount)
    cross join
        lateral (
            values (term.valid_from, term.start_told_at), (term.valid_to, term.end_told_at)
        ) as turn (turned_at, told_at)
    where isfinite(turn.turned_at) and isfinite(turn.told_at);
    create index on turn_of_discount (account_id, livemode, subscription_id, turned_at);
    analyze turn_of_discount;
end
$$;
comment on function ops.find_turns_of_discounts() is
'Makes, from the temporary tables shown_discount and discount_term (see ops.value_subscriptions), the temporary table '
'turn_of_discount: one row per subscription, discount and moment at which it begins or ends there, with when that was '
'told.';
