/* Grain: one row per customer that names a user of the app; a user may have several. Whose money it is. */
select ops.begin_model('user_dim', touching => '{customer}', upstream => '{customer_dim}');

delete from dwh.user_dim
using touched
where
    dwh.user_dim.account_id = touched.account_id
    and dwh.user_dim.livemode = touched.livemode
    and dwh.user_dim.customer_id = touched.object_id;

insert into dwh.user_dim (user_id, account_id, livemode, customer_id, deleted_at)
select ops.shown_user_id(c.metadata ->> policy.value) as user_id, c.account_id, c.livemode, c.customer_id, c.deleted_at
from touched
inner join dwh.customer_dim as c
    on
        touched.account_id = c.account_id
        and touched.livemode = c.livemode
        and touched.object_id = c.customer_id
        and c.is_current
inner join ops.policy as policy on policy.name = 'user_id_metadata_key'
where c.metadata ->> policy.value <> '';

select ops.end_model(
    (select count(*) from touched),
    (
        select count(*)
        from touched
        inner join dwh.user_dim as u
            on
                touched.account_id = u.account_id
                and touched.livemode = u.livemode
                and touched.object_id = u.customer_id
    )
);
