/* A partition belongs to the loader, whichever of its logins makes it: so each of them can migrate afterwards. */
create or replace function ops.ensure_event_partitions(from_at timestamptz, to_at timestamptz) returns integer
language plpgsql
set timezone = 'UTC'
as $$
declare
    month_at timestamptz := date_trunc('month', from_at);
    partition_name text;
    made integer := 0;
begin
    while month_at < to_at loop
        partition_name := to_char(month_at, '"event_y"YYYY"m"MM');
        if to_regclass('raw.' || partition_name) is null then
            perform pg_advisory_xact_lock(hashtextextended('ops.ensure_event_partitions', 0));
            -- somebody else may have made it while this waited (to_regclass may not have heard of that yet)
            if exists (
                select 1 from pg_class where relnamespace = 'raw'::regnamespace and relname = partition_name
            ) then
                month_at := month_at + interval '1 month';
                continue;
            end if;
            -- attached afterwards: "create ... partition of" would lock out every reader of raw.event meanwhile
            execute format('create table raw.%I (like raw.event including all)', partition_name);
            execute format(
                'alter table raw.event attach partition raw.%I for values from (%L) to (%L)',
                partition_name, month_at, month_at + interval '1 month'
            );
            execute format(
                'comment on table raw.%I is %L',
                partition_name, 'Events created in ' || to_char(month_at, 'YYYY-MM') || ' (UTC).'
            );
            execute format('alter table raw.%I owner to tallyhouse_loader', partition_name);
            made := made + 1;
        end if;
        month_at := month_at + interval '1 month';
    end loop;
    return made;
end
$$;
comment on function ops.ensure_event_partitions(timestamptz, timestamptz) is
'Makes the monthly partitions of raw.event that [from_at, to_at) needs; returns how many were missing.';
