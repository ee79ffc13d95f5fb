/* The sum of amounts that may be unknown. All or nothing: a part would look like the whole. */
create aggregate dwh.whole_sum(amount_minor numeric) (  -- noqa: LT01
    sfunc = ops.plus,
    stype = numeric,
    initcond = '0',
    parallel = safe
);
comment on aggregate dwh.whole_sum(numeric) is  -- noqa: LT01
'The sum of amounts, or null when one of them is unknown, for want of an exchange rate; 0 of none.';
