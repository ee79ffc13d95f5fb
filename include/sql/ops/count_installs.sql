/* How many installs of erased users there are, of those that ops.find_erased_installs has found. */
create function ops.count_installs() returns table (relation text, row_count bigint)
language plpgsql
as $$
begin
    return query
    select 'raw.file_row', count(*)
    from erased_install_row
    union all
    select 'dwh.client_dim', count(*)
    from dwh.client_dim as c
    where c.device_name is not null and c.client_sk in (select e.client_sk from erased_install_row as e)
    union all
    select 'dwh.user_first_install_fact', count(*)
    from dwh.user_first_install_fact as f
    where
        f.user_id in (
            select e.user_id from erased_install_row as e
            union all
            select ops.shown_user_id(e.user_id) from erased_install_row as e
        );
end
$$;
comment on function ops.count_installs() is
'Rows in erased_install_row, of named devices among their clients, and of the facts of their users.';
