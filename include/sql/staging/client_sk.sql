/* The key of a client, by all that tells clients apart. */
create function staging.client_sk(os_name text, app_name text, app_version text, device_name text) returns bigint
language sql
immutable parallel safe
as $$
    select staging.surrogate_key(jsonb_build_array(staging.os_name(os_name), app_name, app_version, device_name)::text)
$$;
comment on function staging.client_sk(text, text, text, text) is
'Key of dwh.client_dim: of the system''s one name (staging.os_name); nulls are values like others.';
