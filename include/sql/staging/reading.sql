/* Which staging function reads a kind of object. */
create function staging.reading(object_type text) returns text
language sql
stable parallel safe
as $$
    select coalesce((select a.reading from staging.reads_as as a where a.object_type = reading.object_type), object_type)
$$;
comment on function staging.reading(text) is
'Name of the staging function that reads the documents of a kind of object, whether there is one or not.';
