/* Whether a subscription counts: the one rule by which it is MRR, paused, a trial, or nothing. */
create function ops.mrr_state(
    p_status text, p_pause_behavior text, p_is_cancel_at_period_end boolean, p_cancel_at timestamptz
) returns text
language sql
stable parallel safe
as $$
    select case
        when p_status = any(string_to_array(ops.choice('mrr_statuses'), ','))
            then
                case
                    when
                        (p_is_cancel_at_period_end or p_cancel_at is not null)
                        and ops.choice('churn_moment') = 'cancel_request'
                        then 'none'
                    when p_pause_behavior is not null and ops.choice('paused_counts') = 'no' then 'paused'
                    else 'mrr'
                end
        when p_status = 'paused' then case ops.choice('paused_counts') when 'yes' then 'mrr' else 'paused' end
        when p_status = 'trialing' then 'trial'
        else 'none'
    end
$$;
comment on function ops.mrr_state(text, text, boolean, timestamptz) is
'What a subscription in a status, with or without a pause of its collection and an end that was asked for, is: mrr; '
'paused or trial, buckets outside MRR; or none. By the policies mrr_statuses, paused_counts and churn_moment.';
