/* Grain: one row per view of schema staging that shows one kind of object: a kind that no model reads. */
create view ops.staging_view as
select coalesce(alias.object_type, shown.relname) as object_type, shown.relname::text as reading
from pg_class as shown
left join staging.reads_as as alias on shown.relname = alias.reading
where
    shown.relnamespace = 'staging'::regnamespace
    and shown.relkind = 'v'
    and to_regprocedure(format('staging.%I(jsonb)', shown.relname)) is not null;
comment on view ops.staging_view is
'Grain: one row per view of schema staging that shows one kind of object. The model of this name reads the documents '
'of these kinds as they come, so that one that cannot be read is set aside before a view fails on it.';
comment on column ops.staging_view.object_type is 'Kind of object that it shows.';
comment on column ops.staging_view.reading is 'Its name, and that of the function that reads the documents.';
