/* Which users of the app the customers are. */
create table dwh.user_dim (
    user_id text not null,
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    deleted_at timestamptz,
    primary key (account_id, livemode, customer_id)
);
create index user_dim_user_id on dwh.user_dim (user_id);
comment on table dwh.user_dim is
'Grain: one row per customer that names a user of the app in its metadata. A user may have several customers.';
comment on column dwh.user_dim.user_id is 'Id of the user in the app.';
comment on column dwh.user_dim.account_id is 'Stripe account (acct_...).';
comment on column dwh.user_dim.livemode is 'False for test data.';
comment on column dwh.user_dim.customer_id is 'Stripe id (cus_...).';
comment on column dwh.user_dim.deleted_at is 'When Stripe deleted the customer; null while it exists. Final.';

insert into ops.policy (name, value, description)
values
(
    'user_id_metadata_key',
    'user_id',
    'Key in the metadata of customers under which the app keeps its own id of the user. user_dim follows a change '
    'for each customer that is loaded afterwards, and for all of them when the warehouse is rebuilt.'
);
