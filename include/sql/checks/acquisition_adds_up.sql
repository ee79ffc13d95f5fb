/* Check: the marts have every user with an install once, and all that was spent on ads. Layer: mart. */
with spent as (
    select mode.livemode, s.currency, s.channel_sk, sum(s.spend_minor) as spend_minor
    from dwh.ad_spend_fact as s
    cross join ops.reported_mode as mode
    group by mode.livemode, s.currency, s.channel_sk
),

acquired as (
    select channel_sk, count(*) as users
    from mart.user_acquisition
    group by channel_sk
),

shown as (
    select livemode, currency, channel_sk, sum(spend_minor) as spend_minor, sum(users) as users
    from mart.acquisition_payback
    where months_since = 0
    group by livemode, currency, channel_sk
),

compared as (
    select
        'spend' as what, livemode, currency, channel_sk, coalesce(spent.spend_minor, 0) as expected,
        shown.spend_minor as found
    from spent
    full join shown using (livemode, currency, channel_sk)
    union all
    select
        'users of a channel', shown.livemode, shown.currency, shown.channel_sk, coalesce(acquired.users, 0), shown.users
    from shown
    left join acquired on shown.channel_sk = acquired.channel_sk
    union all
    select
        'users', null, null, null, (select count(distinct user_id) from dwh.user_first_install_fact),
        (select count(*) from mart.user_acquisition)
)

select *
from compared
where expected is distinct from found
