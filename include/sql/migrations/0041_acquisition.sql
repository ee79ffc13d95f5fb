/* Where users come from: installs, the clients and channels that they came by, and what was spent on them. */
create table dwh.client_dim (
    client_sk bigint primary key,
    os_name text not null,
    app_name text,
    app_version text,
    device_name text
);
comment on table dwh.client_dim is
'Grain: one row per client, that is operating system, app, version and device, that any file has named.';
comment on column dwh.client_dim.client_sk is 'Key: a hash of all other columns.';
comment on column dwh.client_dim.os_name is 'Operating system, for example Android.';
comment on column dwh.client_dim.app_name is 'App; null where the file does not say.';
comment on column dwh.client_dim.app_version is 'Version of the app; null where the file does not say.';
comment on column dwh.client_dim.device_name is 'Model of the device; null where the file does not say.';

create table dwh.channel_dim (
    channel_sk bigint primary key,
    channel_name text not null,
    channel_group text,
    channel_label text
);
comment on table dwh.channel_dim is
'Grain: one row per channel that any file has named, with what the latest file of channels says of it.';
comment on column dwh.channel_dim.channel_sk is 'Key: a hash of channel_name.';
comment on column dwh.channel_dim.channel_name is 'Name, as installs and spend have it.';
comment on column dwh.channel_dim.channel_group is 'What the channel belongs to; null until a file of channels tells.';
comment on column dwh.channel_dim.channel_label is 'Name to show; null until a file of channels tells.';

create table dwh.user_first_install_fact (
    user_id text not null,
    install_id text not null,
    device_id text,
    installed_at timestamptz not null,
    date_sk integer not null,
    client_sk bigint not null,
    channel_sk bigint not null,
    country_code text,
    network_name text,
    campaign_name text,
    adgroup_name text,
    creative_name text,
    campaign_id text,
    adgroup_id text,
    creative_id text,
    ip_address text,
    primary key (user_id, install_id)
);
create index user_first_install_fact_date_sk on dwh.user_first_install_fact (date_sk);
comment on table dwh.user_first_install_fact is
'Grain: one row per user and install, in its latest state: the first time that the user opened that install. A user '
'with several has several rows; mart.user_acquisition has the earliest.';
comment on column dwh.user_first_install_fact.user_id is 'User of the app, as in dwh.user_dim.';
comment on column dwh.user_first_install_fact.install_id is 'Id of the install.';
comment on column dwh.user_first_install_fact.device_id is 'Device; null where the file does not say.';
comment on column dwh.user_first_install_fact.installed_at is 'When the user first opened the install.';
comment on column dwh.user_first_install_fact.date_sk is 'UTC day of installed_at, key of dwh.date_dim.';
comment on column dwh.user_first_install_fact.client_sk is 'Key of dwh.client_dim.';
comment on column dwh.user_first_install_fact.channel_sk is 'Key of dwh.channel_dim: what the install is put down to.';
comment on column dwh.user_first_install_fact.country_code is 'Country, ISO 3166-1, two capitals.';
comment on column dwh.user_first_install_fact.network_name is 'Ad network; null where there was none.';
comment on column dwh.user_first_install_fact.campaign_name is 'Campaign; null where there was none.';
comment on column dwh.user_first_install_fact.adgroup_name is 'Ad group; null where there was none.';
comment on column dwh.user_first_install_fact.creative_name is 'Creative; null where there was none.';
comment on column dwh.user_first_install_fact.campaign_id is 'The network''s id of the campaign.';
comment on column dwh.user_first_install_fact.adgroup_id is 'The network''s id of the ad group.';
comment on column dwh.user_first_install_fact.creative_id is 'The network''s id of the creative.';
comment on column dwh.user_first_install_fact.ip_address is
'Address at the install: personal data, shown nowhere else. Null where policy keep_ip_addresses is no.';

create table dwh.ad_spend_fact (
    date_sk integer not null,
    channel_sk bigint not null,
    campaign_name text not null,
    adgroup_name text not null,
    currency text not null,
    spend_minor numeric not null,
    impressions bigint,
    clicks bigint,
    installs bigint,
    primary key (channel_sk, campaign_name, adgroup_name, date_sk, currency)
);
comment on table dwh.ad_spend_fact is
'Grain: one row per day, channel, campaign, ad group and currency, as the latest file has it.';
comment on column dwh.ad_spend_fact.date_sk is 'Day as the file has it (that of the ad network), key of dwh.date_dim.';
comment on column dwh.ad_spend_fact.channel_sk is 'Key of dwh.channel_dim.';
comment on column dwh.ad_spend_fact.campaign_name is 'Campaign; empty where the file names none.';
comment on column dwh.ad_spend_fact.adgroup_name is 'Ad group; empty where the file names none.';
comment on column dwh.ad_spend_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.ad_spend_fact.spend_minor is 'Spent, minor units; it may have fractions of one.';
comment on column dwh.ad_spend_fact.impressions is 'How often ads were shown; null where the file does not say.';
comment on column dwh.ad_spend_fact.clicks is 'How often they were clicked; null where the file does not say.';
comment on column dwh.ad_spend_fact.installs is
'Installs that the network puts down to them, which are not those of user_first_install_fact; null where the file does '
'not say.';
