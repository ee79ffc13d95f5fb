/* What of a subscription's MRR is held, paused or free, and not lost: the rule behind every movement. */
create aggregate ops.held(potential_minor numeric, moved_minor numeric) (  -- noqa: LT01
    sfunc = ops.hold,
    stype = numeric,
    initcond = '0'
);
comment on aggregate ops.held(numeric, numeric) is  -- noqa: LT01
'Over the days of a subscription, in their order: what was MRR and is paused or in a trial. potential_minor: all of it '
'that is paused or in a trial as the day ends. moved_minor: by how much that grew on the day, as far as MRR fell.';
