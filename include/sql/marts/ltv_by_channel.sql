/* Grain: one row per currency and channel. What a user of each channel has brought so far, and has cost. */
create materialized view mart.ltv_by_channel as
with acquired as (
    select channel_sk, count(*) as users
    from mart.user_acquisition
    group by channel_sk
),

paid as (
    select
        v.livemode,
        v.currency,
        a.channel_sk,
        count(distinct a.user_id) filter (where v.payments > 0) as paying_users,
        sum(v.net_minor) as net_minor,
        case when count(v.net_reporting_minor) = count(*) then sum(v.net_reporting_minor) end as net_reporting_minor
    from mart.customer_lifetime_value as v
    inner join dwh.user_dim as u
        on
            v.account_id = u.account_id
            and v.livemode = u.livemode
            and v.customer_id = u.customer_id
    inner join mart.user_acquisition as a on u.user_id = a.user_id
    group by v.livemode, v.currency, a.channel_sk
),

spent as (
    select
        mode.livemode,
        s.currency,
        s.channel_sk,
        sum(s.spend_minor) as spend_minor,
        case
            when count(ops.converted(s.spend_minor, rate.rate)) = count(*)
                then sum(ops.converted(s.spend_minor, rate.rate))
        end as spend_reporting_minor
    from dwh.ad_spend_fact as s
    inner join dwh.date_dim as d on s.date_sk = d.date_sk
    cross join ops.reported_mode as mode
    left join mart.reporting_rate_daily as rate on s.currency = rate.currency and d.day = rate.day
    group by mode.livemode, s.currency, s.channel_sk
),

totals as (
    select
        livemode,
        currency,
        channel_sk,
        coalesce(acquired.users, 0) as users,
        coalesce(paid.paying_users, 0) as paying_users,
        coalesce(paid.net_minor, 0) as net_minor,
        coalesce(spent.spend_minor, 0) as spend_minor,
        case when paid.net_minor is null then 0 else paid.net_reporting_minor end as net_reporting_minor,
        case when spent.spend_minor is null then 0 else spent.spend_reporting_minor end as spend_reporting_minor
    from paid
    full join spent using (livemode, currency, channel_sk)
    left join acquired using (channel_sk)
),

final as (
    select
        totals.livemode,
        totals.currency,
        totals.channel_sk,
        channel.channel_name,
        channel.channel_group,
        channel.channel_label,
        totals.users,
        totals.paying_users,
        totals.net_minor,
        totals.net_minor * (select dwh.gross_margin()) / nullif(totals.users, 0) as ltv_minor,
        totals.net_minor * (select dwh.gross_margin()) / nullif(totals.paying_users, 0) as paying_user_ltv_minor,
        totals.spend_minor,
        totals.spend_minor / nullif(totals.users, 0) as user_cost_minor,
        totals.net_minor * (select dwh.gross_margin()) / nullif(totals.spend_minor, 0) as ltv_to_cost,
        totals.net_reporting_minor,
        totals.net_reporting_minor * (select dwh.gross_margin()) / nullif(totals.users, 0) as ltv_reporting_minor,
        totals.spend_reporting_minor,
        totals.spend_reporting_minor / nullif(totals.users, 0) as user_cost_reporting_minor
    from totals
    inner join dwh.channel_dim as channel on totals.channel_sk = channel.channel_sk
)

select * from final;

create unique index ltv_by_channel_key on mart.ltv_by_channel (livemode, currency, channel_sk);
comment on materialized view mart.ltv_by_channel is
'Grain: one row per currency and channel that cost or brought money, all accounts. ltv = net x gross margin / users.';
comment on column mart.ltv_by_channel.livemode is 'False for test data.';
comment on column mart.ltv_by_channel.currency is 'Currency, ISO 4217, lower case.';
comment on column mart.ltv_by_channel.channel_sk is 'Key of dwh.channel_dim.';
comment on column mart.ltv_by_channel.channel_name is 'Name of the channel.';
comment on column mart.ltv_by_channel.channel_group is 'What the channel belongs to.';
comment on column mart.ltv_by_channel.channel_label is 'Name to show.';
comment on column mart.ltv_by_channel.users is 'Users whose first install came through the channel, paying or not.';
comment on column mart.ltv_by_channel.paying_users is 'Those of them with a successful charge in the currency.';
comment on column mart.ltv_by_channel.net_minor is
'What all of them ever paid, minor units: charges less refunds and disputes, also from before they installed.';
comment on column mart.ltv_by_channel.ltv_minor is 'net_minor x dwh.gross_margin() / users; null without users.';
comment on column mart.ltv_by_channel.paying_user_ltv_minor is
'net_minor x dwh.gross_margin() / paying_users; null without any.';
comment on column mart.ltv_by_channel.spend_minor is 'All that was spent on the channel, minor units.';
comment on column mart.ltv_by_channel.user_cost_minor is 'spend_minor / users; null without users.';
comment on column mart.ltv_by_channel.ltv_to_cost is
'net_minor x dwh.gross_margin() / spend_minor; null where nothing was spent.';
comment on column mart.ltv_by_channel.net_reporting_minor is
'net_minor in the reporting currency, each movement by the rate of its day; null where a day has none.';
comment on column mart.ltv_by_channel.ltv_reporting_minor is 'net_reporting_minor x dwh.gross_margin() / users.';
comment on column mart.ltv_by_channel.spend_reporting_minor is
'spend_minor in the reporting currency, by the rate of each day; null where a day has none.';
comment on column mart.ltv_by_channel.user_cost_reporting_minor is 'spend_reporting_minor / users; null without users.';
