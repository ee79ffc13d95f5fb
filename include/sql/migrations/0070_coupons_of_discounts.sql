/* A discount may change its coupon: it is found by each that it ever had. */
alter table dwh.discount_dim add column coupon_ids text[] not null default '{}';
comment on column dwh.discount_dim.coupon_ids is
'Every coupon that a version of it names, in alphabetical order: a customer''s discount may change its coupon.';
drop index dwh.discount_dim_coupon_id;
create index discount_dim_coupon_ids on dwh.discount_dim using gin (coupon_ids);

comment on column dwh.mrr_change_fact.event_id is
'The event that told of the change: of the subscription, its customer, or a discount that began or ended then, '
'whenever that was told. Null for what was listed or reconstructed, and for an invoice''s metered use.';

delete from ops.batch_applied where model in ('discount_dim', 'mrr_change_fact');
