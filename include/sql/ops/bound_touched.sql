/* How far back the versions of the touched objects can reach: older months are not even asked for them. */
create function ops.bound_touched(p_key text) returns void
language plpgsql
as $$
declare
    model_name text := current_setting('tallyhouse.model');
begin
    if not exists (
        select 1
        from pg_attribute
        where
            attrelid = format('%I.%I', ops.model_schema(), model_name)::regclass
            and attname = 'valid_from'
            and not attisdropped
    ) then
        update touched set since = '-infinity';
        return;
    end if;
    -- A version is in a batch that is pending, or in one that is applied: then the object's history began before it.
    execute format(
        $sql$
        update touched
        set since = coalesce(
            least(
                touched.since,
                (
                    select min(known.valid_from)
                    from %1$I.%2$I as known
                    where
                        known.account_id = touched.account_id
                        and known.livemode = touched.livemode
                        and known.%3$I = touched.object_id
                )
            ),
            '-infinity'
        )
        $sql$,
        ops.model_schema(), model_name, p_key
    );
    analyze touched;
end
$$;
comment on function ops.bound_touched(text) is
'Sets since, in the temporary table touched, to a moment before which an object has no version: what came in the '
'pending batches and what the model that began has of it, in its column p_key; without a history there, -infinity.';
