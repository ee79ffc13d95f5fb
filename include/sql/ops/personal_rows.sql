/* What of a person dims and facts still hold: what an erasure counts before, and must not find afterwards. */
create function ops.personal_rows(p_erasure_id bigint) returns table (
    relation text,
    row_count bigint
)
language plpgsql
stable
as $$
declare
    part record;
begin
    for part in
        select
            format('dwh.%I', p.relation) as relation,
            case
                when p.relation = 'user_first_install_fact'
                    then 'ops.user_hash(t.user_id) in (select user_hash from ops.erased_user where erasure_id = $1)'
                else format(
                    'exists (select from ops.erased_object as o where o.erasure_id = $1 '
                    'and o.account_id = t.account_id and o.livemode = t.livemode and o.object_id = t.%I)',
                    (
                        select a.attname
                        from pg_index as i
                        inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey)
                        where
                            i.indrelid = format('dwh.%I', p.relation)::regclass
                            and i.indisprimary
                            and a.attname <> all('{account_id,livemode,valid_from}')
                        order by array_position(i.indkey::smallint[], a.attnum) desc
                        limit 1
                    )
                )
            end as is_theirs,
            string_agg(
                case p.column_name
                    -- the link to the app's user stays, if it is no address
                    when 'metadata' then format('coalesce(t.%I - %L, ''{}'') <> ''{}'' or t.%1$I::text like ''%%@%%''',
                        p.column_name, ops.choice('user_id_metadata_key'))
                    else format('t.%I is not null', p.column_name)
                end,
                ' or '
            ) as is_told
        from ops.personal_column as p
        group by p.relation
    loop
        relation := part.relation;
        execute format('select count(*) from %s as t where (%s) and (%s)', part.relation, part.is_theirs, part.is_told)
        into row_count
        using p_erasure_id;
        return next;
    end loop;
end
$$;
comment on function ops.personal_rows(bigint) is
'How many rows of which table of dwh hold something personal of the customer of an erasure.';
