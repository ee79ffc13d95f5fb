/* A coupon's counter and name say nothing of what it takes off: who ever had it is not looked at for them. */
create function ops.keep_new_coupons() returns void
language plpgsql
as $$
declare
    ledger_name text := ops.ledger_name(current_setting('tallyhouse.model'));
begin
    create temp table new_coupon on commit drop as
    with told as (
        select distinct
            version.account_id,
            version.livemode,
            version.object_id,
            coupon.created_at,
            coupon.duration,
            coupon.currency,
            coupon.percent_off,
            coupon.amount_off_minor,
            coupon.currency_options,
            coupon.applies_to_product_ids
        from pending_batch
        cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'coupon') as version
        cross join lateral staging.coupon(version.body) as coupon
        where coupon.percent_off is not null or coupon.amount_off_minor is not null
    )

    select distinct told.account_id, told.livemode, told.object_id
    from told
    -- Each alone against what is applied: if none tells anything else, then no choice of them does.
    where
        not exists (
            select 1
            from staging.coupon_terms(told.account_id, told.livemode, told.object_id, ledger_name) as known
            where
                known.created_at is not distinct from told.created_at
                and (known.duration, known.currency, known.percent_off, known.amount_off_minor)
                is not distinct from (told.duration, told.currency, told.percent_off, told.amount_off_minor)
                and (
                    (told.currency_options is null and told.applies_to_product_ids is null)
                    or (known.currency_options, known.applies_to_product_ids)
                    is not distinct from (told.currency_options, told.applies_to_product_ids)
                )
        );
    analyze new_coupon;

    delete from touched
    where
        object_type = 'coupon'
        and (account_id, livemode, object_id) not in (select account_id, livemode, object_id from new_coupon);
    analyze touched;
end
$$;
comment on function ops.keep_new_coupons() is
'Takes from the temporary table touched the coupons of which the pending batches tell nothing but what the model that '
'began has applied: the same terms, products and other currencies of the same life.';
