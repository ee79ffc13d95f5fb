/* What tells the rows of one kind of file apart. */
create function staging.file_row_key(payload jsonb, columns text[]) returns text[]
language sql
immutable parallel safe
as $$
    select array(
        select coalesce(payload ->> k.name, '')
        from unnest(columns) with ordinality as k (name, place)
        order by k.place
    )
$$;
comment on function staging.file_row_key(jsonb, text[]) is
'Natural key of a row of a file: its values in these columns, empty where it has none.';
