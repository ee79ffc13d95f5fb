/* Grain: one row per account, mode and kind of object whose list was read or is to be. Whether one reading is whole. */
create view ops.listed_kind as
with loaded as (
    select batch_id from ops.batch_applied where model = 'enrichment'
),

read as (
    select b.account_id, b.livemode, b.object_type, count(loaded.batch_id) > 0 as is_loaded
    from ops.batch as b
    left join loaded on b.batch_id = loaded.batch_id
    where b.source = 'list'
    group by b.account_id, b.livemode, b.object_type
),

planned as (
    select account_id, livemode, object_type, bool_or(is_whole) as is_whole
    from (
        select p.account_id, p.livemode, p.object_type, count(*) = count(loaded.batch_id) as is_whole
        from ops.planned_batch as p
        left join loaded on p.batch_id = loaded.batch_id
        where p.source = 'list' and not p.is_refused
        group by p.account_id, p.livemode, p.object_type, p.run_id
    ) as by_run
    group by account_id, livemode, object_type
)

select
    account_id,
    livemode,
    object_type,
    coalesce(read.is_loaded, false) and coalesce(planned.is_whole, true) as is_whole
from read
full join planned using (account_id, livemode, object_type);
comment on view ops.listed_kind is
'Grain: one row per account, mode and kind of object whose list was read, or is planned to be.';
comment on column ops.listed_kind.account_id is 'Stripe account (acct_...).';
comment on column ops.listed_kind.livemode is 'False for test data.';
comment on column ops.listed_kind.object_type is 'Kind of object.';
comment on column ops.listed_kind.is_whole is
'Whether at least one run has read all slices that it planned of it, and they are loaded. Until then what documents '
'name is likely to come with the rest.';
