/* A customer's balance moves by transactions of which no event tells: what moved it last has to be asked for. */
create function staging.lack_of_customer_balance_transactions(
    p_account_id text, p_livemode boolean, p_customer_id text
) returns table (wanted_at timestamptz)
language sql
stable parallel safe
as $$
    with balance as (
        select
            past.newest_first,
            past.wanted_at,
            coalesce(r.balance, r.account_balance, 0) as balance_minor
        from staging.versions_newest_first(p_account_id, p_livemode, 'customer', p_customer_id) as past
        cross join
            lateral jsonb_to_record(past.body) as r (balance bigint, account_balance bigint, deleted boolean)
        where not past.is_deletion and r.deleted is null
    ),

    step as (
        select
            balance.wanted_at,
            balance.balance_minor,
            lag(balance.balance_minor, 1, 0::bigint) over (order by balance.newest_first desc) as balance_before_minor
        from balance
    )

    select max(step.wanted_at)
    from step
    where step.balance_minor <> step.balance_before_minor
    having count(*) > 0
$$;
comment on function staging.lack_of_customer_balance_transactions(text, boolean, text) is
'One row where a customer''s balance ever moved: since when an answer shows what moved it last. No row where it never '
'did.';
