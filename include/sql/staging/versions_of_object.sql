/* The history of one object as models and checks see it: what is staged during a load is for the next one. */
create function staging.versions_of_object(
    p_account_id text,
    p_livemode boolean,
    p_object_type text,
    p_object_id text,
    p_since timestamptz default '-infinity'
) returns setof staging.object_version
language sql
stable parallel safe
as $$
    select *
    from staging.staged_versions_of_object(p_account_id, p_livemode, p_object_type, p_object_id, p_since)
    where batch_id not in (select coming.batch_id from ops.unreleased_batch as coming)
$$;
comment on function staging.versions_of_object(text, boolean, text, text, timestamptz) is
'The versions of staging.staged_versions_of_object but for what came in an ops.unreleased_batch.';
