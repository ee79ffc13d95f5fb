/* What discounts take off the items of subscriptions, one after another: percentages first, then amounts. */
create function ops.take_off_discounts() returns void
language plpgsql
as $$
declare
    turn bigint := 0;
begin
    loop
        turn := turn + 1;
        -- An amount is spread over the items by the shares of what is left of them; nothing goes below zero.
        with due as (
            select
                worth.worth_id,
                worth.left_minor,
                reduction.percent_off,
                reduction.amount_off_minor,
                sum(worth.left_minor) over (partition by worth.moment_id) as whole_minor
            from reduction
            inner join worth using (moment_id)
            where
                reduction.place = turn
                and (reduction.subscription_item_id is null
                    or reduction.subscription_item_id = worth.subscription_item_id)
                and (reduction.product_ids is null or worth.product_id = any(reduction.product_ids))
        )

        update worth
        set
            left_minor = case
                when due.percent_off is not null then due.left_minor - due.left_minor * due.percent_off / 100
                -- multiplied first: the division is the only rounding
                else due.left_minor - due.left_minor * least(due.amount_off_minor, due.whole_minor) / due.whole_minor
            end
        from due
        where worth.worth_id = due.worth_id and due.left_minor > 0;
        exit when not exists (select from reduction where reduction.place > turn);
    end loop;
end
$$;
comment on function ops.take_off_discounts() is
'Subtracts from left_minor of the temporary table worth (moment_id, worth_id, subscription_item_id, product_id) what '
'the temporary table reduction (moment_id, place, ...) says, place by place.';
