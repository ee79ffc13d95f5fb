/* Grain: one row per user and install, latest state. When, on what and through which channel users came. */
select ops.begin_model('user_first_install_fact');
select ops.read_file_rows('install');

delete from dwh.user_first_install_fact as known
using incoming
where known.user_id = ops.shown_user_id(incoming.row_key[1]) and known.install_id = incoming.row_key[2];

insert into dwh.user_first_install_fact (
    user_id, install_id, device_id, installed_at, date_sk, client_sk, channel_sk, country_code, network_name,
    campaign_name, adgroup_name, creative_name, campaign_id, adgroup_id, creative_id, ip_address
)
select
    ops.shown_user_id(r.user_id) as user_id, r.install_id, r.device_id, moment.installed_at,
    staging.date_sk(moment.installed_at) as date_sk,
    staging.client_sk(r.os_name, r.app_name, r.app_version, r.device_name) as client_sk,
    staging.surrogate_key(r.channel_name) as channel_sk, r.country_code, r.network_name, r.campaign_name,
    r.adgroup_name, r.creative_name, r.campaign_id, r.adgroup_id, r.creative_id,
    case when policy.value = 'yes' then r.ip_address end as ip_address
from incoming
cross join
    lateral jsonb_to_record(incoming.payload) as r (
        user_id text,
        install_id text,
        device_id text,
        installed_at text,
        os_name text,
        app_name text,
        app_version text,
        device_name text,
        channel_name text,
        country_code text,
        network_name text,
        campaign_name text,
        adgroup_name text,
        creative_name text,
        campaign_id text,
        adgroup_id text,
        creative_id text,
        ip_address text
    )
cross join lateral staging.instant(r.installed_at) as moment (installed_at)
inner join ops.policy as policy on policy.name = 'keep_ip_addresses';

select ops.end_model((select count(*) from incoming), (select count(*) from incoming));
