/* How many rows of the raw layer hold something of the person, of those that ops.find_erased has found. */
create function ops.count_found() returns table (relation text, row_count bigint)
language plpgsql
as $$
begin
    return query
    select 'raw.' || kind.source, count(r.row_id)
    from (values ('event'), ('object')) as kind (source)
    left join erased_row as r on kind.source = r.source and r.is_theirs
    group by kind.source
    order by kind.source;
end
$$;
comment on function ops.count_found() is 'Rows in erased_row that are of an erased customer, by table.';
