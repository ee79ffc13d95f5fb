/* What of a person dwh and mart still hold: what an erasure counts before, and must not find afterwards. */
create function ops.personal_rows(p_erasure_id bigint, p_without text[] default '{}') returns table (
    relation text,
    row_count bigint
)
language plpgsql
stable
as $$
declare
    by_user constant text :=
        'ops.user_hash(t.user_id) in (select user_hash from ops.erased_user where erasure_id = $1)';
    part record;
begin
    for part in
        select
            p.schema_name,
            p.relation,
            case
                when p.relation = 'client_dim'
                    -- which clients it had is told by installs; of one that nobody names nobody can tell
                    then format(
                        't.client_sk in (select t.client_sk from dwh.user_first_install_fact as t where %s) '
                        'or t.client_sk not in (select staging.client_sk(r.payload ->> ''os_name'', '
                        'r.payload ->> ''app_name'', r.payload ->> ''app_version'', r.payload ->> ''device_name'') '
                        'from raw.file_row as r where r.file_kind = any(''{client,install}''))',
                        by_user
                    )
                -- a user's installs are of no account
                when p.relation = 'user_first_install_fact' or p.schema_name = 'mart' then by_user
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
                    -- the link to the app's user stays, as a hash
                    when 'metadata' then format('coalesce(t.%I - %L, ''{}'') <> ''{}'' or t.%1$I ->> %2$L not like ''hmac:%%''',
                        p.column_name, ops.choice('user_id_metadata_key'))
                    when 'user_id' then 't.user_id not like ''hmac:%'''
                    when 'device_id' then 't.device_id not like ''erased:%'''
                    else format('t.%I is not null', p.column_name)
                end,
                ' or '
            ) as is_told
        from (
            select 'dwh' as schema_name, listed.relation, listed.column_name
            from ops.personal_column as listed
            union all
            -- analysts read it, but of an erased user it is a hash
            select c.relnamespace::regnamespace::text, c.relname, a.attname
            from pg_class as c
            inner join pg_attribute as a on c.oid = a.attrelid
            where
                c.relnamespace = any('{dwh,mart}'::regnamespace[])
                and c.relkind in ('r', 'm')
                and a.attname = 'user_id'
                and not a.attisdropped
        ) as p
        where p.schema_name <> all(p_without) and format('%s.%s', p.schema_name, p.relation) <> all(p_without)
        group by p.schema_name, p.relation
    loop
        relation := format('%I.%I', part.schema_name, part.relation);
        execute format('select count(*) from %s as t where (%s) and (%s)', relation, part.is_theirs, part.is_told)
        into row_count
        using p_erasure_id;
        return next;
    end loop;
end
$$;
comment on function ops.personal_rows(bigint, text[]) is
'How many rows of which table of dwh and view of mart hold something personal of the person of an erasure. p_without: '
'schemas and relations that are not looked at.';
