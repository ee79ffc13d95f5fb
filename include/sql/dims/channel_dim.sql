/* Grain: one row per channel that a file names, with what the latest file of channels says of it. */
select ops.begin_model('channel_dim');

create temp table incoming on commit drop as
select distinct r.channel_name
from pending_batch
cross join lateral staging.file_rows_in_batch(pending_batch.batch_id, '{channel,install,ad_spend}') as named
cross join lateral jsonb_to_record(named.payload) as r (channel_name text);

insert into dwh.channel_dim (channel_sk, channel_name, channel_group, channel_label)
select
    staging.surrogate_key(incoming.channel_name) as channel_sk,
    incoming.channel_name,
    told.channel_group,
    told.channel_label
from incoming
left join lateral staging.latest_file_row('channel', array[incoming.channel_name]) as latest on true
left join lateral jsonb_to_record(latest.payload) as told (channel_group text, channel_label text) on true
on conflict (channel_sk) do update
    set channel_group = excluded.channel_group, channel_label = excluded.channel_label;

select ops.end_model((select count(*) from incoming), (select count(*) from incoming));
