/* Grain: one row per channel and operating system. Which channels bring installs on what. */
create materialized view mart.channel_install_by_os as
with counted as (
    select
        i.channel_sk,
        c.os_name,
        count(*) as installs,
        count(distinct i.user_id) as users,
        min(i.installed_at) as first_installed_at,
        max(i.installed_at) as last_installed_at
    from dwh.user_first_install_fact as i
    inner join dwh.client_dim as c on i.client_sk = c.client_sk
    group by i.channel_sk, c.os_name
),

final as (
    select
        counted.channel_sk,
        channel.channel_name,
        channel.channel_group,
        channel.channel_label,
        counted.os_name,
        counted.installs,
        counted.users,
        counted.installs / sum(counted.installs) over (partition by counted.os_name) as share_of_os,
        rank() over (partition by counted.os_name order by counted.installs desc) as place_in_os,
        counted.first_installed_at,
        counted.last_installed_at
    from counted
    inner join dwh.channel_dim as channel on counted.channel_sk = channel.channel_sk
)

select * from final;

create unique index channel_install_by_os_key on mart.channel_install_by_os (channel_sk, os_name);
comment on materialized view mart.channel_install_by_os is
'Grain: one row per channel and operating system with an install. share_of_os = installs / all installs of the system.';
comment on column mart.channel_install_by_os.channel_sk is 'Key of dwh.channel_dim.';
comment on column mart.channel_install_by_os.channel_name is 'Name of the channel.';
comment on column mart.channel_install_by_os.channel_group is 'What the channel belongs to.';
comment on column mart.channel_install_by_os.channel_label is 'Name to show.';
comment on column mart.channel_install_by_os.os_name is 'Operating system.';
comment on column mart.channel_install_by_os.installs is 'Installs; a user may have several.';
comment on column mart.channel_install_by_os.users is 'Users with such an install.';
comment on column mart.channel_install_by_os.share_of_os is 'Share of all installs of the operating system, 0 to 1.';
comment on column mart.channel_install_by_os.place_in_os is
'Place by installs among the channels of the operating system; channels with as many share a place.';
comment on column mart.channel_install_by_os.first_installed_at is 'The first of these installs.';
comment on column mart.channel_install_by_os.last_installed_at is 'The last of them.';
