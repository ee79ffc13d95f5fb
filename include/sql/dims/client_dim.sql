/* Grain: one row per client (operating system, app, version, device) that a file names. On what users installed. */
select ops.begin_model('client_dim');

create temp table incoming on commit drop as
select distinct r.os_name, r.app_name, r.app_version, r.device_name
from pending_batch
cross join lateral staging.file_rows_in_batch(pending_batch.batch_id, '{client,install}') as named
cross join
    lateral jsonb_to_record(named.payload) as r (os_name text, app_name text, app_version text, device_name text);

-- what is known of a client is its key: it never changes
insert into dwh.client_dim (client_sk, os_name, app_name, app_version, device_name)
select
    staging.client_sk(os_name, app_name, app_version, device_name) as client_sk, staging.os_name(os_name), app_name,
    app_version, device_name
from incoming
on conflict (client_sk) do nothing;

select ops.end_model((select count(*) from incoming), (select count(*) from incoming));
