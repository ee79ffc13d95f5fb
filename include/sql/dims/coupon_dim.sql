/* Grain: one row per coupon, latest state. What is taken off, and for how long. */
select ops.begin_model('coupon_dim', touching => '{coupon}');
select ops.read_touched('coupon');

alter table incoming add column deleted_at timestamptz;
update incoming set deleted_at = version_at where version_rank = 3;

-- Lists are asked for what events leave out: it holds until a list says otherwise.
create temp table told on commit drop as
select distinct on (account_id, livemode, coupon_id)
    account_id, livemode, coupon_id, currency_options, applies_to_product_ids
from incoming
where currency_options is not null or applies_to_product_ids is not null
order by account_id asc, livemode asc, coupon_id asc, version_at desc, version_rank desc, version_order desc;

update incoming
set
    currency_options = coalesce(incoming.currency_options, told.currency_options),
    applies_to_product_ids = coalesce(incoming.applies_to_product_ids, told.applies_to_product_ids)
from told
where
    incoming.account_id = told.account_id
    and incoming.livemode = told.livemode
    and incoming.coupon_id = told.coupon_id;

-- an older version may tell more than the row has: it is made anew
delete from dwh.coupon_dim
using touched
where
    dwh.coupon_dim.account_id = touched.account_id
    and dwh.coupon_dim.livemode = touched.livemode
    and dwh.coupon_dim.coupon_id = touched.object_id;

select ops.apply_latest();
