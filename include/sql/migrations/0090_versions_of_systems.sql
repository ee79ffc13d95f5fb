/* A version may follow an operating system without a space: clients and installs are loaded anew, by the new names. */
truncate dwh.client_dim, dwh.user_first_install_fact;
delete from ops.batch_applied where model in ('client_dim', 'user_first_install_fact');
