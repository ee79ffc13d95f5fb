/* Who else may be the person that is to be erased: Stripe knows customers, and guests' payments, not people. */
create function ops.same_person(p_account_id text, p_livemode boolean, p_root_id text) returns table (
    why text, object_id text
)
language sql
stable
as $$
    with payment as materialized (
        -- what may be a guest's; the addresses in it are read once
        select v.object_type, v.object_id, ops.owner_of(v.body) as customer_id, ops.addresses_in(v.body) as addresses
        from staging.object_version as v
        where
            v.account_id = p_account_id
            and v.livemode = p_livemode
            and v.object_type
            = any('{charge,checkout.session,payment_intent,setup_intent,payment_method,invoice}')
    ),

    address as (
        select unnest(p.addresses) as address
        from payment as p
        where p_root_id in (p.object_id, p.customer_id)
        union
        select unnest(ops.addresses_in(v.body))
        from staging.staged_versions_of_object(p_account_id, p_livemode, 'customer', p_root_id) as v
    ),

    card as (
        select pm.fingerprint
        from dwh.payment_method_dim as pm
        where
            pm.account_id = p_account_id
            and pm.livemode = p_livemode
            and p_root_id in (pm.payment_method_id, pm.customer_id)
        union
        select pm.fingerprint
        from dwh.payment_intent_fact as i
        inner join dwh.payment_method_dim as pm using (account_id, livemode, payment_method_id)
        where
            i.account_id = p_account_id
            and i.livemode = p_livemode
            and p_root_id in (i.payment_intent_id, i.customer_id)
        union
        select pm.fingerprint
        from dwh.charge_fact as c
        inner join dwh.payment_method_dim as pm using (account_id, livemode, payment_method_id)
        where
            c.account_id = p_account_id
            and c.livemode = p_livemode
            and p_root_id in (c.charge_id, c.customer_id)
    ),

    found as (
        select 'the same e-mail address' as why, c.customer_id as object_id
        from dwh.customer_dim as c
        where
            c.account_id = p_account_id
            and c.livemode = p_livemode
            and lower(trim(c.email)) in (select address from address)
        union
        select 'the same e-mail address', coalesce(p.customer_id, p.object_id)
        from payment as p
        where p.addresses && array(select address from address)
        union
        select 'the same card or account', coalesce(pm.customer_id, c.customer_id, c.charge_id, pm.payment_method_id)
        from dwh.payment_method_dim as pm
        left join dwh.charge_fact as c using (account_id, livemode, payment_method_id)
        where
            pm.account_id = p_account_id
            and pm.livemode = p_livemode
            and pm.fingerprint in (select fingerprint from card)
        union
        select 'the same user of the app, whose installs go with the last of them', other.customer_id
        from dwh.user_dim as own
        inner join dwh.user_dim as other using (user_id)
        where own.account_id = p_account_id and own.livemode = p_livemode and own.customer_id = p_root_id
    )

    select f.why, f.object_id
    from found as f
    where
        f.object_id is not null
        and not exists (
            select from ops.erased_object as o
            where o.account_id = p_account_id and o.livemode = p_livemode and o.object_id = f.object_id
        )
$$;
comment on function ops.same_person(text, boolean, text) is
'Customers, and payments of guests (of any kind that can be erased), that have an e-mail address, a card or a user '
'of the app in common with one, and are not erased; and what it is. p_root_id: the customer, or a guest''s payment.';
