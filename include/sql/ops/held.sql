/* What of a customer's MRR is held, paused or free, and not lost: the rule behind every movement, step by step. */
create function ops.hold(held_minor numeric, potential_minor numeric, moved_minor numeric) returns numeric
language sql
immutable
parallel safe
as $$
    select least(potential_minor, held_minor + moved_minor)
$$;
comment on function ops.hold(numeric, numeric, numeric) is
'What is held after a day: what was held, and what moved from MRR into pauses and trials, as far as these still reach.';

create aggregate ops.held(potential_minor numeric, moved_minor numeric) (
    sfunc = ops.hold,
    stype = numeric,
    initcond = '0'
);
comment on aggregate ops.held(numeric, numeric) is
'Over the days of a customer, in their order: what was MRR and is paused or in a trial. potential_minor: all that is '
'paused or in a trial as the day ends. moved_minor: by how much that grew on the day, as far as MRR fell.';
