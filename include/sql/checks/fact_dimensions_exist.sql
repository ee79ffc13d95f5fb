/* Check: no more references of dims and facts lead nowhere than orphan_share_allowed. Layer: dwh. */
with reference (fact, dim, referring) as (
    values
    ('ad_spend_fact', 'date_dim', 'date_sk'),
    ('ad_spend_fact', 'channel_dim', 'channel_sk'),
    ('ad_spend_fact', 'currency_dim', 'currency'),
    ('balance_transaction_fact', 'date_dim', 'date_sk'),
    ('balance_transaction_fact', 'currency_dim', 'currency'),
    ('charge_fact', 'date_dim', 'date_sk'),
    ('charge_fact', 'customer_dim', 'customer_id'),
    ('charge_fact', 'invoice_fact', 'invoice_id'),
    ('charge_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('charge_fact', 'payment_method_dim', 'payment_method_id'),
    ('charge_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('charge_fact', 'currency_dim', 'currency'),
    ('coupon_dim', 'currency_dim', 'currency'),
    ('credit_note_fact', 'date_dim', 'date_sk'),
    ('credit_note_fact', 'invoice_fact', 'invoice_id'),
    ('credit_note_fact', 'customer_dim', 'customer_id'),
    ('credit_note_fact', 'currency_dim', 'currency'),
    ('customer_dim', 'currency_dim', 'currency'),
    ('customer_dim', 'payment_method_dim', 'default_payment_method_id'),
    ('customer_payment_fact', 'customer_dim', 'customer_id'),
    ('customer_payment_fact', 'currency_dim', 'currency'),
    ('discount_dim', 'coupon_dim', 'coupon_id'),
    ('discount_dim', 'customer_dim', 'customer_id'),
    ('discount_dim', 'subscription_dim', 'subscription_id'),
    ('discount_dim', 'subscription_item_dim', 'subscription_item_id'),
    ('discount_dim', 'invoice_fact', 'invoice_id'),
    ('discount_dim', 'currency_dim', 'currency'),
    ('dispute_fact', 'date_dim', 'date_sk'),
    ('dispute_fact', 'charge_fact', 'charge_id'),
    ('dispute_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('dispute_fact', 'currency_dim', 'currency'),
    ('fx_rate_fact', 'currency_dim', 'from_currency'),
    ('fx_rate_fact', 'currency_dim', 'to_currency'),
    ('invoice_fact', 'date_dim', 'date_sk'),
    ('invoice_fact', 'customer_dim', 'customer_id'),
    ('invoice_fact', 'subscription_dim', 'subscription_id'),
    ('invoice_fact', 'charge_fact', 'charge_id'),
    ('invoice_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('invoice_fact', 'currency_dim', 'currency'),
    ('invoice_line_fact', 'invoice_fact', 'invoice_id'),
    ('invoice_line_fact', 'price_dim', 'price_id'),
    ('invoice_line_fact', 'product_dim', 'product_id'),
    ('invoice_line_fact', 'subscription_dim', 'subscription_id'),
    ('invoice_line_fact', 'subscription_item_dim', 'subscription_item_id'),
    ('invoice_line_fact', 'currency_dim', 'currency'),
    ('invoice_payment_fact', 'date_dim', 'date_sk'),
    ('invoice_payment_fact', 'invoice_fact', 'invoice_id'),
    ('invoice_payment_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('invoice_payment_fact', 'charge_fact', 'charge_id'),
    ('invoice_payment_fact', 'currency_dim', 'currency'),
    ('mrr_change_fact', 'date_dim', 'date_sk'),
    ('mrr_change_fact', 'subscription_item_dim', 'subscription_item_id'),
    ('mrr_change_fact', 'price_dim', 'price_id'),
    ('mrr_change_fact', 'subscription_dim', 'subscription_id'),
    ('mrr_change_fact', 'customer_dim', 'customer_id'),
    ('mrr_change_fact', 'product_dim', 'product_id'),
    ('mrr_change_fact', 'currency_dim', 'currency'),
    ('mrr_movement_fact', 'customer_dim', 'customer_id'),
    ('mrr_movement_fact', 'currency_dim', 'currency'),
    ('payment_intent_fact', 'date_dim', 'date_sk'),
    ('payment_intent_fact', 'customer_dim', 'customer_id'),
    ('payment_intent_fact', 'invoice_fact', 'invoice_id'),
    ('payment_intent_fact', 'payment_method_dim', 'payment_method_id'),
    ('payment_intent_fact', 'charge_fact', 'latest_charge_id'),
    ('payment_intent_fact', 'currency_dim', 'currency'),
    ('payment_method_dim', 'customer_dim', 'customer_id'),
    ('payout_fact', 'date_dim', 'date_sk'),
    ('payout_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('payout_fact', 'balance_transaction_fact', 'failure_balance_transaction_id'),
    ('payout_fact', 'currency_dim', 'currency'),
    ('payout_transaction_fact', 'payout_fact', 'payout_id'),
    ('payout_transaction_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('price_dim', 'product_dim', 'product_id'),
    ('price_dim', 'currency_dim', 'currency'),
    ('product_dim', 'price_dim', 'default_price_id'),
    ('refund_fact', 'date_dim', 'date_sk'),
    ('refund_fact', 'charge_fact', 'charge_id'),
    ('refund_fact', 'payment_intent_fact', 'payment_intent_id'),
    ('refund_fact', 'balance_transaction_fact', 'balance_transaction_id'),
    ('refund_fact', 'currency_dim', 'currency'),
    ('subscription_dim', 'customer_dim', 'customer_id'),
    ('subscription_dim', 'currency_dim', 'currency'),
    ('subscription_dim', 'payment_method_dim', 'default_payment_method_id'),
    ('subscription_dim', 'invoice_fact', 'latest_invoice_id'),
    ('subscription_item_dim', 'subscription_dim', 'subscription_id'),
    ('subscription_item_dim', 'price_dim', 'price_id'),
    ('subscription_item_dim', 'product_dim', 'product_id'),
    ('subscription_item_dim', 'currency_dim', 'currency'),
    ('transaction_fact', 'date_dim', 'date_sk'),
    ('transaction_fact', 'charge_fact', 'charge_id'),
    ('transaction_fact', 'customer_dim', 'customer_id'),
    ('transaction_fact', 'currency_dim', 'currency'),
    ('user_first_install_fact', 'date_dim', 'date_sk'),
    ('user_first_install_fact', 'client_dim', 'client_sk'),
    ('user_first_install_fact', 'channel_dim', 'channel_sk')
),

policy as (
    select coalesce((select value from ops.policy where name = 'orphan_share_allowed'), '0.05')::numeric as share
)

select
    reference.fact,
    reference.dim,
    reference.referring,
    counted.references_made,
    counted.orphans as failing,
    case
        when reference.dim in ('currency_dim', 'date_dim', 'client_dim', 'channel_dim') then 0
        -- before a kind of object has been listed once, whole, those from before the events cannot be there
        when
            not coalesce(
                (
                    select bool_and(listed.is_whole)
                    from ops.listed_kind as listed
                    where
                        listed.object_type = case reference.dim
                            -- what tells of those that have no list
                            when 'payment_method_dim' then 'charge'
                            when 'subscription_item_dim' then 'subscription'
                            else regexp_replace(reference.dim, '_(dim|fact)$', '')
                        end
                ),
                false
            )
            then counted.references_made
        -- a share of a handful is no share
        else
            greatest(10, floor(counted.references_made * policy.share))
            -- after a backfill most have yet to be asked for, one by one
            + case
                when reference.dim = 'payment_method_dim'
                    then (
                        select count(*)
                        from ops.enrichment_awaited as q
                        where
                            q.kind = 'payment_method' and not q.gone
                            -- what was asked for in vain is missing
                            and (q.attempts = 0 or q.fetched_at is not null)
                    )
                else 0
            end
    end as allowed
from reference
cross join policy
cross join lateral ops.count_orphans(reference.fact, reference.dim, reference.referring) as counted
where counted.orphans > 0
order by reference.fact, reference.dim, reference.referring
