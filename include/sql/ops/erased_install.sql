/* What stays of an erased user's install: when, from where and what was installed, and which share a device. */
create function ops.erased_install(payload jsonb) returns jsonb
language sql
stable strict parallel safe
as $$
    select jsonb_object_agg(
        cell.key,
        case cell.key
            when 'user_id' then to_jsonb(ops.user_hash(cell.value))
            -- the same device of the same user gives the same word, in whatever file it comes
            when 'device_id'
                then to_jsonb(
                    case
                        when cell.value like 'erased:%' then cell.value
                        else
                            'erased:'
                            || substr(ops.user_hash(ops.user_hash(payload ->> 'user_id') || cell.value), 6, 32)
                    end
                )
            else to_jsonb(cell.value)
        end
    )
    from jsonb_each_text(payload) as cell
    -- what a file has beside these, nobody knows
    where
        cell.key = any(
            '{user_id,install_id,installed_at,os_name,app_name,app_version,channel_name,device_id,country_code,'
            'network_name,campaign_name,adgroup_name,creative_name,campaign_id,adgroup_id,creative_id}'
        )
$$;
comment on function ops.erased_install(jsonb) is
'A row of a file of installs without what might tell who the user is: address, name of the device, columns that nobody '
'reads. Of a device''s id a keyed hash stays.';
