/* Trigger functions act with the rights of who changes a policy: whoever may call one as its owner could borrow them. */
alter function ops.renew_mrr() security invoker;
alter function ops.renew_customer_payments() security invoker;
