/* What a document lacks that its table cannot be without. Raises the error of a value that no column can hold. */
create function ops.missing_column(reader text, body jsonb) returns text
language plpgsql
stable
as $$
declare
    -- every column is computed
    document jsonb;
begin
    execute format('select to_jsonb(document) from staging.%I($1) as document', reader) using body into document;
    return (
        select replace(regexp_replace(a.attname, '^' || reader || '_id$', 'id'), '_', ' ')
        from pg_attribute as a
        where
            a.attrelid in (to_regclass(format('dwh.%I', reader || '_fact')), to_regclass(format('dwh.%I', reader || '_dim')))
            and a.attnum > 0
            and a.attnotnull
            and document -> a.attname::text = 'null'
        order by a.attnum
        limit 1
    );
end
$$;
comment on function ops.missing_column(text, jsonb) is
'The first column that staging.<reader> leaves empty for this document though its table in dwh must have it, in words.';
