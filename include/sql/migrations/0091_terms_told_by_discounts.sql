/* What a discount takes off is kept of each coupon that it ever had; what is held, of each subscription. */
alter table dwh.discount_dim add column coupon_terms jsonb not null default '{}';
comment on column dwh.discount_dim.coupon_terms is
'What versions of it showed of the terms of its coupons, for those that only name them: {coupon_id: {duration, '
'currency, percent_off, amount_off_minor}}. A coupon that is deleted can be asked for no more.';

alter table dwh.mrr_movement_fact add column held_change_of jsonb;
comment on column dwh.mrr_movement_fact.held_change_of is
'Whose held_change_minor is: {subscription_id: minor units} of those of which what is held changed; null where '
'none did.';

-- trials that invoices tell of are in subscription_dim now
delete from ops.batch_applied where model in ('discount_dim', 'subscription_dim', 'mrr_change_fact');
