/* Items change as long as a subscription lives: what its newest version cut is lacking, whatever older ones showed. */
create function staging.lack_of_subscription_items(
    p_account_id text, p_livemode boolean, p_subscription_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    select past.wanted_at
    from staging.versions_newest_first(p_account_id, p_livemode, 'subscription', p_subscription_id) as past
    where
        past.newest_first = 1
        and not past.is_deletion
        and (past.body #>> '{items,has_more}')::boolean
$$;
comment on function staging.lack_of_subscription_items(text, boolean, text) is
'One row where the newest version of a subscription shows a part of its items: since when an answer would show all. No '
'row where nothing is lacking.';
