/* What was reconstructed with a price follows every version of it, and an item may go unseen beyond the page. */
drop index dwh.subscription_item_dim_priceless;
create index subscription_item_dim_price_id on dwh.subscription_item_dim (account_id, livemode, price_id)
where is_reconstructed;

-- What is loaded already is loaded again by the next run.
delete from ops.batch_applied where model = 'subscription_item_dim';
