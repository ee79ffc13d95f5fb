/* An operating system has one name in clients, however files write it. Clients and installs are loaded anew. */
truncate dwh.client_dim, dwh.user_first_install_fact;
delete from ops.batch_applied where model in ('client_dim', 'user_first_install_fact');
comment on column dwh.client_dim.os_name is
'Operating system in one spelling and without its version, for example Android, whatever the file has.';
