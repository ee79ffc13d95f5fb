/* Grain: one row per account, mode and day that an open gap touches. Which days not to trust yet. */
create view mart.gap_daily as
with span as (
    select
        g.*,
        date_trunc('day', g.gap_from at time zone policy.value) as first_day,
        (g.gap_to - interval '1 second') at time zone policy.value as last_moment
    from ops.gap as g
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone' and g.closed_at is null
),

final as (
    select
        span.account_id,
        span.livemode,
        touched.day::date as day,
        count(*) as gaps,
        bool_or(span.kind = 'expired') as is_expired,
        bool_and(span.relisted_at is not null) as is_relisted,
        bool_or(span.refused_at is not null and span.relisted_at is null) as is_refused,
        min(span.gap_from) as gap_from,
        max(span.gap_to) as gap_to
    from span
    cross join lateral generate_series(span.first_day, span.last_moment, interval '1 day') as touched (day)
    group by span.account_id, span.livemode, touched.day
)

select * from final;

comment on view mart.gap_daily is
'Grain: one row per account, mode and day that an open gap touches. Events of that day are missing; see ops.gap.';
comment on column mart.gap_daily.account_id is 'Stripe account (acct_...).';
comment on column mart.gap_daily.livemode is 'False for test data.';
comment on column mart.gap_daily.day is 'Day in the reporting time zone.';
comment on column mart.gap_daily.gaps is 'Open gaps that touch the day.';
comment on column mart.gap_daily.is_expired is
'Whether Stripe no longer keeps some of these events: a listing of all objects stands in for them.';
comment on column mart.gap_daily.is_relisted is
'Whether everything has been listed again since, and only waits to be loaded.';
comment on column mart.gap_daily.is_refused is
'Whether Stripe refuses every list of the account: until a person mends that (ops.gap.refusal), nothing fills it.';
comment on column mart.gap_daily.gap_from is 'Start of the first of these gaps.';
comment on column mart.gap_daily.gap_to is 'Exclusive end of the last of them.';
