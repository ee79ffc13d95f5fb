/* Two amounts, of which either may be unknown: a step of dwh.whole_sum. */
create function ops.plus(sum_minor numeric, amount_minor numeric) returns numeric
language sql
immutable
parallel safe
as $$
    select sum_minor + amount_minor
$$;
comment on function ops.plus(numeric, numeric) is
'The sum of two amounts; null as soon as one of them is, where the operator''s own function would be left out.';
