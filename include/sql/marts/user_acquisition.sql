/* Grain: one row per user with an install. Through which channel each user came first, and when. */
create materialized view mart.user_acquisition as
with final as (
    -- of installs at one instant, always the same
    select distinct on (i.user_id)
        i.user_id,
        i.install_id,
        i.channel_sk,
        i.client_sk,
        i.installed_at,
        date_trunc('month', i.installed_at at time zone policy.value)::date as install_month
    from dwh.user_first_install_fact as i
    cross join ops.policy as policy
    where policy.name = 'reporting_timezone'
    order by i.user_id, i.installed_at, i.install_id
)

select * from final;

create unique index user_acquisition_key on mart.user_acquisition (user_id);
comment on materialized view mart.user_acquisition is
'Grain: one row per user with an install: the earliest one, which tells the channel that the user is put down to.';
comment on column mart.user_acquisition.user_id is 'User of the app, as in dwh.user_dim.';
comment on column mart.user_acquisition.install_id is 'The user''s earliest install.';
comment on column mart.user_acquisition.channel_sk is 'Its channel, key of dwh.channel_dim.';
comment on column mart.user_acquisition.client_sk is 'Its client, key of dwh.client_dim.';
comment on column mart.user_acquisition.installed_at is 'When it was first opened.';
comment on column mart.user_acquisition.install_month is 'First day of that month, in the reporting time zone.';
