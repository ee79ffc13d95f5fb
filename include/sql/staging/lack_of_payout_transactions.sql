/* Which balance transactions a payout takes along is told by Stripe's list alone, and only of automatic payouts. */
create function staging.lack_of_payout_transactions(
    p_account_id text, p_livemode boolean, p_payout_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    with version as (
        select past.wanted_at, r.reconciliation_status, r.automatic, r.status, r.balance_transactions
        from staging.versions_newest_first(p_account_id, p_livemode, 'payout', p_payout_id) as past
        cross join
            lateral jsonb_to_record(past.body) as r (
                reconciliation_status text, automatic boolean, status text, balance_transactions jsonb
            )
    )

    -- from the first version on that says the list is final; older shapes say so by having been paid
    select min(version.wanted_at) filter (
        where
        version.reconciliation_status = 'completed'
        or (version.reconciliation_status is null and version.automatic and version.status in ('paid', 'failed'))
    )
    from version
    having
        count(version.balance_transactions) = 0
        and bool_or(
            version.reconciliation_status = 'completed'
            or (version.reconciliation_status is null and version.automatic and version.status in ('paid', 'failed'))
        )
$$;
comment on function staging.lack_of_payout_transactions(text, boolean, text) is
'One row where Stripe can list what a payout took along and nobody has asked: since when the list is final.';
