/* What else than its own versions changes the history of a subscription: invoices from before it was first shown. */
create function ops.touch_invoiced_subscriptions(
    p_known text default current_setting('tallyhouse.model')
) returns void
language plpgsql
as $$
begin
    create temp table arrived_invoice on commit drop as
    select distinct version.account_id, version.livemode, version.object_id as invoice_id
    from pending_batch
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'invoice') as version;
    -- without statistics, few invoices would be looked for in all of them
    analyze arrived_invoice;
    execute format(
        $sql$
        insert into touched (account_id, livemode, object_type, object_id)
        select distinct invoice.account_id, invoice.livemode, 'subscription', invoice.subscription_id
        from arrived_invoice
        inner join %1$I.invoice_fact as invoice using (account_id, livemode, invoice_id)
        where
            exists (
                select 1
                from %1$I.%2$I as known
                where
                    known.account_id = invoice.account_id
                    and known.livemode = invoice.livemode
                    and known.subscription_id = invoice.subscription_id
                    and known.observed_from > least(invoice.created_at, invoice.period_start_at)
            )
            and not exists (
                select 1
                from touched
                where
                    touched.account_id = invoice.account_id
                    and touched.livemode = invoice.livemode
                    and touched.object_id = invoice.subscription_id
            )
        $sql$,
        ops.model_schema(), p_known
    );
    analyze touched;
end
$$;
comment on function ops.touch_invoiced_subscriptions(text) is
'Adds to the temporary table touched the subscriptions, known to p_known (the model that began, unless another is '
'named), whose invoices came in the pending batches and reach back to a time before Stripe showed the subscription.';
