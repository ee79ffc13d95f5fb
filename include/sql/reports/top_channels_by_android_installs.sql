/* Report: which are the top 5 channels by installs on Android? Channels with as many installs share a place, so there
   may be more than 5.
   Parameters, in asked: the operating system, in any case, and the last place to show.
   Sources: dwh.user_first_install_fact, dwh.client_dim, dwh.channel_dim. */
with asked as (
    select 'Android' as os_name, 5 as places
),

counted as (
    select channel.channel_name, channel.channel_group, channel.channel_label, count(*) as installs
    from dwh.user_first_install_fact as install
    inner join dwh.client_dim as client on install.client_sk = client.client_sk
    inner join dwh.channel_dim as channel on install.channel_sk = channel.channel_sk
    inner join asked on lower(client.os_name) = lower(asked.os_name)
    group by channel.channel_name, channel.channel_group, channel.channel_label
),

ranked as (
    select
        rank() over (order by counted.installs desc) as place,
        counted.channel_name,
        counted.channel_group,
        counted.channel_label,
        counted.installs
    from counted
)

select
    ranked.place,
    ranked.channel_name,
    ranked.channel_group,
    ranked.channel_label,
    ranked.installs
from ranked
cross join asked
where ranked.place <= asked.places
order by ranked.place, ranked.channel_name
