/* Grain: one row per user and day with more than one install. Who installed twice, which is a fault or a fraud. */
create materialized view mart.install_duplicate_daily as
with final as (
    select
        (i.installed_at at time zone policy.value)::date as day,
        i.user_id,
        count(*) as installs,
        count(distinct i.device_id) as devices,
        count(distinct i.channel_sk) as channels,
        min(i.installed_at) as first_installed_at,
        max(i.installed_at) as last_installed_at
    from dwh.user_first_install_fact as i
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
    group by (i.installed_at at time zone policy.value)::date, i.user_id
    having count(*) > 1
)

select * from final;

create unique index install_duplicate_daily_key on mart.install_duplicate_daily (day, user_id);
comment on materialized view mart.install_duplicate_daily is
'Grain: one row per day and user with more than one install on it: installs > 1.';
comment on column mart.install_duplicate_daily.day is 'Day in the reporting time zone.';
comment on column mart.install_duplicate_daily.user_id is 'User of the app.';
comment on column mart.install_duplicate_daily.installs is 'Installs of the user on the day, 2 or more.';
comment on column mart.install_duplicate_daily.devices is 'Devices among them; 0 where no file says which.';
comment on column mart.install_duplicate_daily.channels is 'Channels that they are put down to.';
comment on column mart.install_duplicate_daily.first_installed_at is 'The first of them.';
comment on column mart.install_duplicate_daily.last_installed_at is 'The last of them.';
