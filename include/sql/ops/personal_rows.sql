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
                    'and o.account_id = t.account_id and o.livemode = t.livemode and o.object_id = t.%I)%s',
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
                    ),
                    -- what another customer has taken over since is that one's
                    (
                        select
                            ' and coalesce((select bool_and(exists (select from ops.erased_object as o '
                            'where o.account_id = t.account_id and o.livemode = t.livemode '
                            'and o.object_id = whose.customer_id)) from '
                            || case
                                when bool_or(c.attname = 'customer_id')
                                    then '(select t.customer_id) as whose where true'
                                else
                                    'dwh.subscription_dim as whose where whose.account_id = t.account_id '
                                    'and whose.livemode = t.livemode and whose.subscription_id = t.subscription_id '
                                    'and tstzrange(whose.valid_from, whose.valid_to) '
                                    '&& tstzrange(t.valid_from, t.valid_to)'
                            end
                            || ' and whose.customer_id is not null), true)'
                        from pg_attribute as c
                        where
                            c.attrelid = format('dwh.%I', p.relation)::regclass
                            and (c.attname = 'customer_id' or p.relation = 'subscription_item_dim')
                        having count(*) > 0
                    )
                )
            end as is_theirs,
            string_agg(
                case p.column_name
                    -- the link to the app's user stays, if it is no address
                    when 'metadata' then format('coalesce(t.%I - %L, ''{}'') <> ''{}'' or t.%1$I::text like ''%%@%%''',
                        p.column_name, ops.choice('user_id_metadata_key'))
                    when 'device_id' then 't.device_id not like ''erased:%'''
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
