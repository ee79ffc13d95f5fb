/* Documents are read better since: plans, discounts, failed charges, invoices. All that was loaded is loaded anew. */
truncate
dwh.balance_transaction_fact,
dwh.charge_fact,
dwh.coupon_dim,
dwh.credit_note_fact,
dwh.customer_dim,
dwh.discount_dim,
dwh.dispute_fact,
dwh.invoice_fact,
dwh.invoice_line_fact,
dwh.invoice_payment_fact,
dwh.payment_intent_fact,
dwh.payment_method_dim,
dwh.payout_fact,
dwh.price_dim,
dwh.product_dim,
dwh.refund_fact,
dwh.subscription_dim,
dwh.subscription_item_dim,
dwh.transaction_fact,
dwh.user_dim;
delete from ops.batch_applied;
