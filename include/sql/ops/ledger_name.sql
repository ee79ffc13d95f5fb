/* Under which name a model keeps its books: a rebuild beside dwh has books of its own. */
create function ops.ledger_name(model text) returns text
language sql
stable
as $$
    select case ops.model_schema() when 'dwh' then model else ops.model_schema() || '.' || model end
$$;
comment on function ops.ledger_name(text) is
'Name of a model in ops.batch_applied, ops.last_run and its lock: its own, or in a rebuild <schema>.<model>.';
