/* Raw: every event once, every observed object, and what could not be staged. */
create table raw.event (
    account_id text not null,
    livemode boolean not null,
    event_id text not null,
    type text not null,
    created_at timestamptz not null,
    listing_order bigint not null,
    api_version text,
    object_type text not null,
    object_id text,
    payload jsonb not null,
    batch_id bigint not null,
    unreadable text,
    primary key (account_id, livemode, created_at, event_id)
) partition by range (created_at);
create index event_object on raw.event (account_id, livemode, object_type, object_id);
create index event_batch on raw.event (batch_id, object_type);
comment on table raw.event is 'Grain: one row per Stripe event, as received. Partitioned by month of creation.';
comment on column raw.event.account_id is
'Account in which it happened: its own "account" on Connect, else the key''s.';
comment on column raw.event.livemode is 'False for test data.';
comment on column raw.event.event_id is 'Stripe''s id (evt_...). Does not sort by time.';
comment on column raw.event.type is 'Event type, for example invoice.paid. Never a closed list.';
comment on column raw.event.created_at is 'Stripe''s second of creation.';
comment on column raw.event.listing_order is
'Place in Stripe''s own listing inside that second: greater is newer. Given once, and never changed.';
comment on column raw.event.api_version is 'Version in which the event was rendered; null on old events.';
comment on column raw.event.object_type is 'data.object.object, for example charge.';
comment on column raw.event.object_id is 'data.object.id; null where the object has none (balance).';
comment on column raw.event.payload is 'The whole event.';
comment on column raw.event.batch_id is 'The batch that brought it first.';
comment on column raw.event.unreadable is
'Why no model reads it: a field whose value its type cannot hold. Null for all but such rows.';

create table raw.object (
    account_id text not null,
    livemode boolean not null,
    object_type text not null,
    object_id text not null,
    observed_at timestamptz not null,
    payload jsonb not null,
    batch_id bigint not null,
    unreadable text,
    primary key (account_id, livemode, object_type, object_id, observed_at)
);
create index object_batch on raw.object (batch_id, object_type);
comment on table raw.object is 'Grain: one row per object and time at which a list showed it.';
comment on column raw.object.account_id is 'Stripe account (acct_...).';
comment on column raw.object.livemode is 'False for test data.';
comment on column raw.object.object_type is 'The object''s own "object" field.';
comment on column raw.object.object_id is 'Stripe''s id.';
comment on column raw.object.observed_at is 'Not later than the moment at which Stripe read it, by Stripe''s clock.';
comment on column raw.object.payload is 'The object as the list showed it, in the version of the request.';
comment on column raw.object.batch_id is 'The batch that brought it.';
comment on column raw.object.unreadable is
'Why no model reads it: a field whose value its type cannot hold. Null for all but such rows.';

create table raw.rejected (
    rejected_id bigint generated always as identity primary key,
    account_id text not null,
    livemode boolean not null,
    source text not null,
    row_key text not null,
    reason text not null,
    payload text not null,
    batch_id bigint not null,
    received_at timestamptz not null default clock_timestamp(),
    reported_at timestamptz,
    unique (account_id, livemode, source, row_key)
);
comment on table raw.rejected is
'Grain: one row per row of Stripe''s that could not be staged or read, kept as text. Reported once, by a red run.';
comment on column raw.rejected.rejected_id is 'Identity.';
comment on column raw.rejected.account_id is 'Stripe account (acct_...).';
comment on column raw.rejected.livemode is 'False for test data.';
comment on column raw.rejected.source is 'events, or list:<object>.';
comment on column raw.rejected.row_key is 'Its id, or where it has none the SHA-256 of its text.';
comment on column raw.rejected.reason is 'What is wrong with it.';
comment on column raw.rejected.payload is 'JSON text as received; it may hold what jsonb refuses.';
comment on column raw.rejected.batch_id is 'The batch in which it came.';
comment on column raw.rejected.received_at is 'When it came first.';
comment on column raw.rejected.reported_at is 'When a run ended red to tell of it; null until then.';

create function ops.ensure_event_partitions(from_at timestamptz, to_at timestamptz) returns integer
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
            made := made + 1;
        end if;
        month_at := month_at + interval '1 month';
    end loop;
    return made;
end
$$;
comment on function ops.ensure_event_partitions(timestamptz, timestamptz) is
'Makes the monthly partitions of raw.event that [from_at, to_at) needs; returns how many were missing.';

create function ops.advance_watermark(p_account_id text, p_livemode boolean, p_stream text, p_from timestamptz)
returns timestamptz
language plpgsql
as $$
declare
    reached timestamptz;
    farther timestamptz;
begin
    select through into reached
    from ops.watermark
    where account_id = p_account_id and livemode = p_livemode and stream = p_stream
    for update;
    reached := coalesce(reached, p_from);
    -- Windows may commit out of order: go on only as far as committed ones join up.
    loop
        select max(asked_to) into farther
        from ops.batch
        where account_id = p_account_id and livemode = p_livemode and source = p_stream
            and asked_from <= reached and asked_to > reached;
        exit when farther is null;
        reached := farther;
    end loop;
    insert into ops.watermark as w (account_id, livemode, stream, through)
    values (p_account_id, p_livemode, p_stream, reached)
    on conflict (account_id, livemode, stream) do update
    set through = excluded.through, moved_at = clock_timestamp()
    where w.through < excluded.through;
    return reached;
end
$$;
comment on function ops.advance_watermark(text, boolean, text, timestamptz) is
'Moves a stream''s watermark as far as its committed batches reach without a hole, counted from p_from when there is '
'none yet; returns it.';
