/* Erased users are remembered by a keyed hash, and what was erased before is looked through by the rules of today. */
create table ops.erasure_key (
    is_only boolean primary key default true check (is_only),
    inner_block bytea not null,
    outer_block bytea not null
);
comment on table ops.erasure_key is
'Grain: one row. The secret of this warehouse under which erased users are hashed: without it nobody can tell by '
'trying ids, or e-mail addresses, whose hash is whose. Only the loader may read it; each warehouse has its own.';
comment on column ops.erasure_key.is_only is 'Always true: there is one key.';
comment on column ops.erasure_key.inner_block is 'The key, 32 random bytes and zeros, each byte xor 0x36 (RFC 2104).';
comment on column ops.erasure_key.outer_block is 'The same, xor 0x5c.';

do $$
declare
    -- each a random UUID of the server's strong source: 488 random bits
    secret bytea := sha256(convert_to(
        gen_random_uuid()::text || gen_random_uuid() || gen_random_uuid() || gen_random_uuid(), 'UTF8'
    ));
    inner_block bytea := decode(repeat('36', 64), 'hex');
    outer_block bytea := decode(repeat('5c', 64), 'hex');
begin
    for place in 0..31 loop
        inner_block := set_byte(inner_block, place, get_byte(secret, place) # 54);
        outer_block := set_byte(outer_block, place, get_byte(secret, place) # 92);
    end loop;
    insert into ops.erasure_key (inner_block, outer_block) values (inner_block, outer_block);
end
$$;

alter table ops.erased_user add column is_pending boolean not null default true;
comment on column ops.erased_user.is_pending is
'Whether the installs of older batches have yet to be looked through for the user: the next load does.';
update ops.erased_user as u
set
    user_hash = 'hmac:' || encode(sha256(key.outer_block || sha256(
        key.inner_block || decode(substr(u.user_hash, length('sha256:') + 1), 'hex')
    )), 'hex')
from ops.erasure_key as key
where u.user_hash like 'sha256:%';

alter table ops.erased_object add column since timestamptz;
comment on column ops.erased_object.since is
'No document that was made before this names the object: it was created then, or later. Null where nothing tells.';

comment on table ops.erasure is
'Grain: one row per customer, or payment of a guest, that was erased on request, and run that did it. It holds no '
'personal data but ids.';
comment on column ops.erasure.customer_id is
'Stripe id of the customer (cus_...); of a guest that of the charge (ch_...) or checkout session (cs_...).';

-- A customer who took over what the erased one had is no part of that one: what it says of itself is let be.
delete from ops.erased_object as o
where
    not exists (
        select from ops.erasure as e
        where
            e.account_id = o.account_id
            and e.livemode = o.livemode
            and e.customer_id = o.object_id
    )
    and exists (
        select from dwh.customer_dim as c
        where
            c.account_id = o.account_id
            and c.livemode = o.livemode
            and c.customer_id = o.object_id
    );
-- More kinds of documents are found than before, and hashes of addresses were without a key: the next load looks.
update ops.erased_object set batch_id = null;

insert into ops.policy (name, value, description)
values
(
    'hash_user_addresses',
    'yes',
    'Whether a user id of your app that is an e-mail address is a keyed hash in dwh and mart, where every analyst sees '
    'it: yes or no. ops.user_hash(address) gives the loader the hash of one. A change holds for what is loaded from '
    'then on, and for all after a run of warehouse_rebuild.'
);
alter table ops.policy add constraint policy_hash_user_addresses_known check (
    name <> 'hash_user_addresses' or value in ('yes', 'no')
);
update dwh.user_dim as t
set
    user_id = 'hmac:' || encode(sha256(key.outer_block || sha256(
        key.inner_block || sha256(convert_to(t.user_id, 'UTF8'))
    )), 'hex')
from ops.erasure_key as key
where t.user_id like '%@%';
update dwh.user_dim as t
set
    user_id = 'hmac:' || encode(sha256(key.outer_block || sha256(
        key.inner_block || decode(substr(t.user_id, length('sha256:') + 1), 'hex')
    )), 'hex')
from ops.erasure_key as key
where t.user_id ~ '^sha256:[0-9a-f]{64}$';
update dwh.user_first_install_fact as t
set
    user_id = 'hmac:' || encode(sha256(key.outer_block || sha256(
        key.inner_block || sha256(convert_to(t.user_id, 'UTF8'))
    )), 'hex')
from ops.erasure_key as key
where t.user_id like '%@%';
update dwh.user_first_install_fact as t
set
    user_id = 'hmac:' || encode(sha256(key.outer_block || sha256(
        key.inner_block || decode(substr(t.user_id, length('sha256:') + 1), 'hex')
    )), 'hex')
from ops.erasure_key as key
where t.user_id ~ '^sha256:[0-9a-f]{64}$';
