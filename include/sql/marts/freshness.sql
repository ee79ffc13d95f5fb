/* Grain: one row per account and mode. How far the data reaches: a month is complete once it ends before that. */
create view mart.freshness as
with fetched as (
    select account_id, livemode, max(asked_to) as through
    from ops.batch
    group by account_id, livemode
)

select
    fetched.account_id,
    fetched.livemode,
    -- without events, the lists tell how far
    coalesce(watermark.through, fetched.through) as data_through
from fetched
left join ops.watermark as watermark
    on
        fetched.account_id = watermark.account_id
        and fetched.livemode = watermark.livemode
        and watermark.stream = 'events';

comment on view mart.freshness is 'Grain: one row per account and mode. How far the data reaches.';
comment on column mart.freshness.account_id is 'Stripe account (acct_...).';
comment on column mart.freshness.livemode is 'False for test data.';
comment on column mart.freshness.data_through is 'Every event before this instant has been fetched (Stripe''s clock).';
