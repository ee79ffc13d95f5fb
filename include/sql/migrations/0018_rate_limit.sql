/* One pace for all processes that ask Stripe for one account: see plugins/tallyhouse/shared_pacer.py. */
-- Not logged: after a crash of the server it begins anew, which is right for what holds for a second.
create unlogged table ops.rate_limit (
    account_id text not null,
    livemode boolean not null,
    next_at timestamptz not null,
    throttled_at timestamptz,
    primary key (account_id, livemode)
) with (fillfactor = 20);
comment on table ops.rate_limit is
'Grain: one row per account and mode that is read from Stripe. Every request takes the next slot here.';
comment on column ops.rate_limit.account_id is 'Stripe account of the key (acct_...).';
comment on column ops.rate_limit.livemode is 'False for test data.';
comment on column ops.rate_limit.next_at is 'The first slot that is still free, by this server''s clock.';
comment on column ops.rate_limit.throttled_at is 'When Stripe last answered 429; null if it never did.';
