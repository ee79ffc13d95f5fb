/* Grain: one row per day, channel, campaign, ad group and currency, latest state. What acquiring users cost. */
select ops.begin_model('ad_spend_fact', upstream => '{currency_dim}');
select ops.read_file_rows('ad_spend');

insert into dwh.ad_spend_fact (
    date_sk, channel_sk, campaign_name, adgroup_name, currency, spend_minor, impressions, clicks, installs
)
select
    staging.date_sk(r.day::timestamp at time zone 'UTC') as date_sk,
    staging.surrogate_key(r.channel_name) as channel_sk,
    coalesce(r.campaign_name, '') as campaign_name,
    coalesce(r.adgroup_name, '') as adgroup_name,
    r.currency,
    -- files have major units; a currency that nobody knows is no row of a file
    trim_scale(r.spend * power(10::numeric, known.exponent)) as spend_minor,
    r.impressions,
    r.clicks,
    r.installs
from incoming
cross join
    lateral jsonb_to_record(incoming.payload) as r (
        day date,
        channel_name text,
        campaign_name text,
        adgroup_name text,
        currency text,
        spend numeric,
        impressions bigint,
        clicks bigint,
        installs bigint
    )
left join dwh.currency_dim as known on r.currency = known.currency
on conflict (channel_sk, campaign_name, adgroup_name, date_sk, currency) do update
    set
        spend_minor = excluded.spend_minor,
        impressions = excluded.impressions,
        clicks = excluded.clicks,
        installs = excluded.installs;

select ops.end_model((select count(*) from incoming), (select count(*) from incoming));
