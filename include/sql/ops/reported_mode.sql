/* Grain: one row per mode (live, test) that the marts show: policy reported_modes. */
create view ops.reported_mode as
select mode.livemode
from (values (true), (false)) as mode (livemode)
cross join ops.policy as policy
where
    policy.name = 'reported_modes'
    and case policy.value
        when 'live' then mode.livemode
        when 'test' then not mode.livemode
        when 'both' then true
        -- as loaded, not as fetched: so that the marts change over with the rows that they read
        else mode.livemode = exists (
            select 1
            from ops.batch as b
            inner join ops.batch_applied as a on b.batch_id = a.batch_id
            where b.livemode and b.row_count > 0 and a.model = 'transaction_fact'
        )
    end;
comment on view ops.reported_mode is
'Grain: one row per mode that the marts show. Every mart that reads dwh joins it; the choice is policy reported_modes.';
comment on column ops.reported_mode.livemode is 'False for test data.';
