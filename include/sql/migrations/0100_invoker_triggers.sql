/* Functions of triggers act with the rights of who changes a policy: anybody could have borrowed their owner's. */
alter function ops.renew_mrr() security invoker;
alter function ops.renew_customer_payments() security invoker;
