/* Where models write: dwh, or the schema beside it in which a rebuild makes them anew. */
create function ops.model_schema() returns text
language sql
stable
as $$
    select coalesce(nullif(current_setting('tallyhouse.schema', true), ''), 'dwh')
$$;
comment on function ops.model_schema() is
'Schema of the tables that models of this transaction write: the setting tallyhouse.schema, or else dwh.';
