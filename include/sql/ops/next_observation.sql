/* What is observed after a list comes after it, although Stripe's clock counts whole seconds. */
create function ops.next_observation(
    p_account_id text, p_livemode boolean, p_object_type text, p_object_id text, p_observed_at timestamptz
) returns timestamptz
language sql
stable
as $$
    select coalesce(max(observed_at) + interval '1 microsecond', p_observed_at)
    from raw.object
    where
        account_id = p_account_id
        and livemode = p_livemode
        and object_type = p_object_type
        and object_id = p_object_id
        and observed_at >= p_observed_at
        and observed_at < p_observed_at + interval '1 second'
$$;
comment on function ops.next_observation(text, boolean, text, text, timestamptz) is
'The moment observed, or, where the raw layer has observations of the object in that second, just after the last.';
