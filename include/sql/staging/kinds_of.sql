/* Which kinds of objects a staging function reads. */
create function staging.kinds_of(reading text) returns setof text
language sql
stable parallel safe
as $$
    select reading
    union all
    select a.object_type from staging.reads_as as a where a.reading = kinds_of.reading
$$;
comment on function staging.kinds_of(text) is
'Kinds of objects whose documents staging.<reading> reads: that of its own name, and those of staging.reads_as.';
