/* The released history of one object, its deletion or else its newest version first, as what a fetch may complete. */
create function staging.versions_newest_first(
    p_account_id text,
    p_livemode boolean,
    p_reading text,
    p_object_id text
) returns table (
    newest_first bigint,
    is_deletion boolean,
    wanted_at timestamptz,
    body jsonb
)
language sql
stable parallel safe
as $$
    select
        row_number() over (
            order by v.version_rank = 3 desc, v.version_at desc, v.version_rank desc, v.version_order desc
        ),
        v.version_rank = 3,
        -- an event of a second may be newer than an answer of the same one
        v.version_at + case v.source when 'event' then interval '1 second' else interval '0' end,
        v.body
    from staging.kinds_of(p_reading) as own (object_type)
    cross join lateral staging.versions_of_object(p_account_id, p_livemode, own.object_type, p_object_id) as v
$$;
comment on function staging.versions_newest_first(text, boolean, text, text) is
'All released versions of one object, of all kinds that staging.<p_reading> reads. newest_first: 1 is its deletion or '
'else the newest; wanted_at: an answer that Stripe gave in this second or later is not older than the version.';
