/* What is held of a subscription's MRR after one more day: a step of ops.held. */
create function ops.hold(held_minor numeric, potential_minor numeric, moved_minor numeric) returns numeric
language sql
immutable
parallel safe
as $$
    select least(potential_minor, held_minor + moved_minor)
$$;
comment on function ops.hold(numeric, numeric, numeric) is
'What is held after a day: what was held, and what moved from MRR into pauses and trials, as far as these still reach.';
