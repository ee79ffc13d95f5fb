/* Grain: one row per account and mode. How far the data reaches: a month is complete once it ends before that. */
create view mart.freshness as
with fetched as (
    select account_id, livemode, max(asked_to) as through
    from ops.batch
    -- a connected account is fetched with its platform's events, a file is of no account, an erasure fetches nothing
    where
        requested_via is null
        and source <> all('{file,erasure}')
        and released_at is not null
    group by account_id, livemode
),

waiting as not materialized (
    -- staged, but not loaded yet: the views cannot have seen it
    select b.account_id, b.livemode, min(b.asked_from) as since
    from ops.batch as b
    where
        b.source = 'events'
        and not exists (
            select 1 from ops.batch_applied as a where a.model = 'transaction_fact' and a.batch_id = b.batch_id
        )
    group by b.account_id, b.livemode
),

loaded as (
    -- a window begins before the end of the one before: windows that are loaded may cover where the waiting ones begin
    select waiting.account_id, waiting.livemode, upper(stretch.covered) as through
    from waiting
    cross join
        lateral (
            select unnest(range_agg(tstzrange(b.asked_from, b.asked_to))) as covered
            from ops.batch as b
            where
                b.account_id = waiting.account_id
                and b.livemode = waiting.livemode
                and b.source = 'events'
                and b.asked_from < b.asked_to
                and exists (
                    select 1 from ops.batch_applied as a where a.model = 'transaction_fact' and a.batch_id = b.batch_id
                )
        ) as stretch
    where stretch.covered @> waiting.since
),

missing as (
    select account_id, livemode, count(*) as open_gaps
    from ops.gap
    where closed_at is null
    group by account_id, livemode
)

select
    fetched.account_id,
    fetched.livemode,
    -- without events, the lists tell how far
    least(coalesce(watermark.through, fetched.through), coalesce(loaded.through, waiting.since)) as data_through,
    coalesce(missing.open_gaps, 0) as open_gaps
from fetched
left join ops.watermark as watermark
    on
        fetched.account_id = watermark.account_id
        and fetched.livemode = watermark.livemode
        and watermark.stream = 'events'
left join waiting
    on fetched.account_id = waiting.account_id and fetched.livemode = waiting.livemode
left join loaded
    on fetched.account_id = loaded.account_id and fetched.livemode = loaded.livemode
left join missing
    on fetched.account_id = missing.account_id and fetched.livemode = missing.livemode;

comment on view mart.freshness is 'Grain: one row per account and mode. How far the data reaches.';
comment on column mart.freshness.account_id is 'Stripe account (acct_...).';
comment on column mart.freshness.livemode is 'False for test data.';
comment on column mart.freshness.data_through is
'All windows of events before this instant were fetched and loaded (Stripe''s clock), but for the open gaps.';
comment on column mart.freshness.open_gaps is
'Stretches of time whose events are missing; the days that they touch are in mart.gap_daily.';
