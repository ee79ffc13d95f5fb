/* What dimensions with history begin with: all versions of the touched objects, typed. */
create function ops.read_touched(p_object_type text) returns void
language plpgsql
as $$
begin
    perform ops.bound_touched(p_object_type || '_id');
    execute format(
        $sql$
        create temp table incoming on commit drop as
        select
            version.account_id,
            version.livemode,
            version.object_id as %2$I,
            document.*,
            version.version_at,
            version.version_rank,
            version.version_order
        from touched
        cross join lateral staging.versions_of_object(
            touched.account_id, touched.livemode, touched.object_type, touched.object_id, touched.since
        ) as version
        cross join lateral staging.%1$I(version.body) as document
        $sql$,
        p_object_type, p_object_type || '_id'
    );
end
$$;
comment on function ops.read_touched(text) is
'Makes the temporary table incoming: all versions of the objects in touched, read by staging.<object>.';
