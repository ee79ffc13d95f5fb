/* Whether MRR is after discounts of a duration: the one rule for the ledger and for the check of what is known. */
create function ops.is_subtracted(p_duration text) returns boolean
language sql
stable parallel safe
as $$
    select case p_duration
        when 'forever' then true
        when 'repeating' then ops.choice('subtract_repeating') = 'yes'
        when 'once' then ops.choice('subtract_once') = 'yes'
        else false
    end
$$;
comment on function ops.is_subtracted(text) is
'Whether discounts of a duration (forever, repeating, once) are subtracted from MRR, by the policies '
'subtract_repeating and subtract_once; false where the duration is not known.';
