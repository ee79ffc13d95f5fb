/* What a discount takes off is kept of each coupon that it ever had: a coupon that is deleted can be asked no more. */
alter table dwh.discount_dim add column coupons jsonb not null default '{}';
comment on column dwh.discount_dim.coupons is
'Every coupon that a version of it names, and what any of them showed of its terms: {coupon_id: {duration, currency, '
'percent_off, amount_off_minor, duration_in_months}}, {coupon_id: {}} where all name it only.';
alter table dwh.discount_dim drop column coupon_ids;
create index discount_dim_coupons on dwh.discount_dim using gin (coupons);

comment on column dwh.discount_dim.duration is
'once, repeating or forever, of its coupon as any version of the discount showed it; null where all name it only.';
comment on column dwh.discount_dim.percent_off is
'Percent taken off, of its coupon as any version of the discount showed it; null where all name it only.';
comment on column dwh.discount_dim.amount_off_minor is
'Amount taken off, minor units, of its coupon as any version of the discount showed it; null where all name it only.';
comment on column dwh.discount_dim.duration_in_months is
'Months that it lasts (repeating), of its coupon as any version of the discount showed it.';

delete from ops.batch_applied where model in ('discount_dim', 'mrr_change_fact');
