/* The share of revenue that is a customer's value: the one place in which lifetime values take it from. */
create function dwh.gross_margin() returns numeric
language sql
stable parallel safe
as $$
    select ops.choice('gross_margin')::numeric
$$;
comment on function dwh.gross_margin() is
'Policy gross_margin, 0 to 1: every lifetime value is revenue times this. Revenue itself, and payback, are not.';
