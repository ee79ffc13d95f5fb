/* Grain: one row per currency, channel, install month and month since. When what ads cost has come back. */
create materialized view mart.acquisition_payback as
with account as (
    select account_id, livemode
    from mart.freshness
    union
    select account_id, livemode
    from ops.gap
    where closed_at is null
),

reach as (
    select mode.livemode, policy.value as reporting_timezone, min(f.data_through) as data_through
    from ops.reported_mode as mode
    left join mart.freshness as f on mode.livemode = f.livemode
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
    group by mode.livemode, policy.value
),

revenue as (
    select
        t.livemode,
        t.currency,
        a.channel_sk,
        a.install_month,
        date_trunc('month', t.occurred_at at time zone reach.reporting_timezone)::date as month,
        sum(t.amount_minor) as revenue_minor,
        case
            when count(ops.converted(t.amount_minor, rate.rate)) = count(*)
                then sum(ops.converted(t.amount_minor, rate.rate))
        end as revenue_reporting_minor
    from dwh.transaction_fact as t
    inner join reach on t.livemode = reach.livemode
    inner join dwh.user_dim as u
        on
            t.account_id = u.account_id
            and t.livemode = u.livemode
            and t.customer_id = u.customer_id
    inner join mart.user_acquisition as a
        on
            u.user_id = a.user_id
            -- what a user paid before is not what the install brought
            and t.occurred_at >= a.installed_at
    left join mart.reporting_rate_daily as rate
        on t.currency = rate.currency and (t.occurred_at at time zone reach.reporting_timezone)::date = rate.day
    group by
        t.livemode, t.currency, a.channel_sk, a.install_month,
        date_trunc('month', t.occurred_at at time zone reach.reporting_timezone)::date
),

spend as (
    select
        s.currency,
        s.channel_sk,
        d.month_start as install_month,
        sum(s.spend_minor) as spend_minor,
        case
            when count(ops.converted(s.spend_minor, rate.rate)) = count(*)
                then sum(ops.converted(s.spend_minor, rate.rate))
        end as spend_reporting_minor
    from dwh.ad_spend_fact as s
    inner join dwh.date_dim as d on s.date_sk = d.date_sk
    left join mart.reporting_rate_daily as rate on s.currency = rate.currency and d.day = rate.day
    group by s.currency, s.channel_sk, d.month_start
),

acquired as (
    select channel_sk, install_month, count(*) as users
    from mart.user_acquisition
    group by channel_sk, install_month
),

cohort as (
    select channel_sk, install_month from acquired
    union
    select channel_sk, install_month from spend
),

-- in which currencies a channel costs or brings money: of these each of its cohorts has a row, also of 0
money as (
    select livemode, currency, channel_sk from revenue
    union
    select reach.livemode, spend.currency, spend.channel_sk
    from spend
    cross join reach
),

-- through the last month of which anything is known
span as (
    select
        reach.livemode,
        greatest(
            date_trunc('month', reach.data_through at time zone reach.reporting_timezone)::date,
            (select max(month) from revenue),
            (select max(install_month) from cohort)
        ) as last_month
    from reach
),

calendar as (
    select
        money.livemode,
        money.currency,
        money.channel_sk,
        cohort.install_month,
        listed.month::date as month
    from money
    inner join cohort on money.channel_sk = cohort.channel_sk
    inner join span on money.livemode = span.livemode
    cross join lateral generate_series(
        cohort.install_month::timestamp, span.last_month::timestamp, interval '1 month'
    ) as listed (month)
),

-- of several accounts, what is known of all of them
complete as (
    select account.livemode, period.starts_on as month, bool_and(period.is_complete) as is_complete
    from account
    inner join (
        select livemode, min(month) as first_month, max(month) as last_month
        from calendar
        group by livemode
    ) as counted on account.livemode = counted.livemode
    cross join
        lateral ops.complete_periods(
            account.account_id, account.livemode, counted.first_month, interval '1 month', counted.last_month
        ) as period
    group by account.livemode, period.starts_on
),

summed as (
    select
        calendar.livemode,
        calendar.currency,
        calendar.channel_sk,
        calendar.install_month,
        calendar.month,
        coalesce(acquired.users, 0) as users,
        coalesce(spend.spend_minor, 0) as spend_minor,
        coalesce(revenue.revenue_minor, 0) as revenue_minor,
        -- nothing is nothing in any currency
        case when spend.spend_minor is null then 0 else spend.spend_reporting_minor end as spend_reporting_minor,
        case when revenue.revenue_minor is null then 0 else revenue.revenue_reporting_minor end
            as revenue_reporting_minor
    from calendar
    left join acquired
        on calendar.channel_sk = acquired.channel_sk and calendar.install_month = acquired.install_month
    left join spend
        on
            calendar.currency = spend.currency
            and calendar.channel_sk = spend.channel_sk
            and calendar.install_month = spend.install_month
    left join revenue
        on
            calendar.livemode = revenue.livemode
            and calendar.currency = revenue.currency
            and calendar.channel_sk = revenue.channel_sk
            and calendar.install_month = revenue.install_month
            and calendar.month = revenue.month
),

cumulated as (
    select
        *,
        sum(revenue_minor) over history as cumulative_minor,
        case
            when count(revenue_reporting_minor) over history = count(*) over history
                then sum(revenue_reporting_minor) over history
        end as cumulative_reporting_minor
    from summed
    window history as (partition by livemode, currency, channel_sk, install_month order by month)
),

-- a channel that is paid for in one currency may bring money in another
together as (
    select
        *,
        case
            when
                count(spend_reporting_minor) over currencies = count(*) over currencies
                and count(cumulative_reporting_minor) over currencies = count(*) over currencies
                then
                    sum(cumulative_reporting_minor) over currencies
                    / nullif(sum(spend_reporting_minor) over currencies, 0)
        end as all_currencies_payback_share
    from cumulated
    window currencies as (partition by livemode, channel_sk, install_month, month)
),

final as (
    select
        together.livemode,
        together.currency,
        together.channel_sk,
        channel.channel_name,
        together.install_month,
        ops.months_between(together.install_month, together.month) as months_since,
        together.month,
        together.users,
        together.spend_minor,
        together.revenue_minor,
        together.cumulative_minor,
        together.cumulative_minor / nullif(together.spend_minor, 0) as payback_share,
        min(together.month) filter (
            where together.spend_minor > 0 and together.cumulative_minor >= together.spend_minor
        ) over (
            partition by together.livemode, together.currency, together.channel_sk, together.install_month
        ) as payback_month,
        coalesce(complete.is_complete, false) as is_complete,
        together.spend_reporting_minor,
        together.revenue_reporting_minor,
        together.cumulative_reporting_minor,
        together.all_currencies_payback_share,
        min(together.month) filter (where together.all_currencies_payback_share >= 1) over (
            partition by together.livemode, together.channel_sk, together.install_month
        ) as all_currencies_payback_month
    from together
    inner join dwh.channel_dim as channel on together.channel_sk = channel.channel_sk
    left join complete on together.livemode = complete.livemode and together.month = complete.month
)

select * from final;

create unique index acquisition_payback_key
on mart.acquisition_payback (livemode, currency, channel_sk, install_month, months_since);
comment on materialized view mart.acquisition_payback is
'Grain: one row per currency, channel, install month, months since. payback_share = cumulative_minor / spend_minor.';
comment on column mart.acquisition_payback.livemode is 'False for test data.';
comment on column mart.acquisition_payback.currency is
'Currency, ISO 4217, lower case: each in which the channel ever cost or brought money, in whatever account.';
comment on column mart.acquisition_payback.channel_sk is 'Key of dwh.channel_dim.';
comment on column mart.acquisition_payback.channel_name is 'Name of the channel.';
comment on column mart.acquisition_payback.install_month is
'Month of the users'' first install, in the reporting time zone, and of the spend, by the ad network''s days.';
comment on column mart.acquisition_payback.months_since is 'Months after the install month; 0 is the month itself.';
comment on column mart.acquisition_payback.month is 'The month counted: install_month + months_since.';
comment on column mart.acquisition_payback.users is
'Users whose first install was in the month and through the channel, in every currency the same.';
comment on column mart.acquisition_payback.spend_minor is 'Spent on the channel in the install month, minor units.';
comment on column mart.acquisition_payback.revenue_minor is
'Net revenue of these users in the month, minor units: charges less refunds and disputes, from the install on.';
comment on column mart.acquisition_payback.cumulative_minor is 'Sum of revenue_minor from the install month on.';
comment on column mart.acquisition_payback.payback_share is
'cumulative_minor / spend_minor of this currency alone: 1 is all of it; null where nothing was spent in it.';
comment on column mart.acquisition_payback.payback_month is
'First month at whose end cumulative_minor >= spend_minor, in all rows of the cohort; null until then.';
comment on column mart.acquisition_payback.is_complete is
'Whether all events of the month have been fetched and loaded in every account, and no open gap touches it.';
comment on column mart.acquisition_payback.spend_reporting_minor is
'spend_minor in the reporting currency, by the rate of each day; null where a day has none.';
comment on column mart.acquisition_payback.revenue_reporting_minor is
'revenue_minor in the reporting currency, each movement by the rate of its day; null where a day has none.';
comment on column mart.acquisition_payback.cumulative_reporting_minor is
'Sum of revenue_reporting_minor from the install month on; null where one of them is.';
comment on column mart.acquisition_payback.all_currencies_payback_share is
'Sum of cumulative_reporting_minor / of spend_reporting_minor over currencies, in all their rows; null without a rate.';
comment on column mart.acquisition_payback.all_currencies_payback_month is
'First month at whose end all_currencies_payback_share was 1 or more, in all rows of the cohort; null until then.';
