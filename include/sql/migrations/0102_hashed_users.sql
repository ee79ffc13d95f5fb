/* An id that is a telephone number or a name tells whose it is: of an erased user it goes, and a policy hides all. */
alter table ops.policy drop constraint policy_hash_user_addresses_known;
alter table ops.policy add constraint policy_hash_user_addresses_known check (
    name <> 'hash_user_addresses' or value in ('yes', 'no', 'all')
);
update ops.policy
set
    description = 'Which ids of your app''s users are keyed hashes in dwh and mart, where every analyst sees them: '
    'yes, those that are e-mail addresses; all, for ids that are telephone numbers or names; no, only those of '
    'erased users, which always are. ops.user_hash(id) gives the loader the hash of one. A change holds for what is '
    'loaded from then on, and for all after a run of warehouse_rebuild.'
where name = 'hash_user_addresses';

-- Whoever was erased before is looked through by the rules of today, with the next load.
update ops.erased_object set batch_id = null;
update ops.erased_user set is_pending = true;
