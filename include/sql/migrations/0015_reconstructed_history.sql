/* The past of subscriptions that is older than what Stripe shows: told by their own dates and their invoices. */
alter table dwh.subscription_dim
add column is_reconstructed boolean not null default false,
add column observed_from timestamptz;
comment on column dwh.subscription_dim.is_reconstructed is
'True where Stripe showed no state of that time: it was rebuilt from the subscription''s own dates and its invoices.';
comment on column dwh.subscription_dim.observed_from is
'First second for which Stripe showed a state of the subscription, in an event or a list.';

alter table dwh.subscription_item_dim
add column is_reconstructed boolean not null default false,
add column observed_from timestamptz;
comment on column dwh.subscription_item_dim.is_reconstructed is
'True where Stripe showed no state of that time: it was rebuilt from the lines of invoices.';
comment on column dwh.subscription_item_dim.observed_from is
'First second for which Stripe showed the items of the subscription; an item that was gone by then is known from '
'invoices alone.';

-- A price may be loaded after a row that was reconstructed with it: such rows are found by this.
create index subscription_item_dim_priceless on dwh.subscription_item_dim (account_id, livemode, price_id)
where is_reconstructed and interval_unit is null;

-- What is loaded already is loaded again by the next run, now with its past.
delete from ops.batch_applied where model in ('subscription_dim', 'subscription_item_dim');
