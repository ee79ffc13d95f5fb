/* Grain: one row per account and mode with MRR that marts show. The last day on which its movements are known. */
create view ops.mrr_reach as
with recursive account as (
    -- from one account to the next by the key: the ledger is long, and accounts are few
    (
        select c.account_id, c.livemode
        from dwh.mrr_change_fact as c
        order by c.account_id, c.livemode
        limit 1
    )
    union all
    select following.account_id, following.livemode
    from account
    cross join lateral (
        select c.account_id, c.livemode
        from dwh.mrr_change_fact as c
        where (c.account_id, c.livemode) > (account.account_id, account.livemode)
        order by c.account_id, c.livemode
        limit 1
    ) as following
)

select
    account.account_id,
    account.livemode,
    (reach.data_through at time zone ops.choice('reporting_timezone'))::date as last_day
from account
inner join ops.reported_mode as mode on account.livemode = mode.livemode
cross join lateral ops.account_reach(account.account_id, account.livemode) as reach;
comment on view ops.mrr_reach is
'Grain: one row per account and mode with MRR that marts show: through which day its movements are known.';
comment on column ops.mrr_reach.account_id is 'Stripe account (acct_...).';
comment on column ops.mrr_reach.livemode is 'False for test data.';
comment on column ops.mrr_reach.last_day is
'Day in the reporting time zone that the data has reached; what the ledger has of later ones is yet to happen.';
