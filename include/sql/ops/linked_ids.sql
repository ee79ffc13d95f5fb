/* What belongs together: the id of an object, and the ids by which it names others of the same customer. */
create function ops.linked_ids(document jsonb, is_deep boolean) returns setof text
language sql
immutable parallel safe
as $$
    with recursive part (attribute, value, is_own) as (
        select null, document, true
        union all
        select child.attribute, child.value, child.is_own
        from part
        cross join
            lateral (
                select
                    e.key as attribute,
                    e.value,
                    -- another object inside this one is named by it, and looked into only where all of it counts
                    is_deep or coalesce(e.value ->> 'object', 'list') = 'list' as is_own
                from jsonb_each(case when jsonb_typeof(part.value) = 'object' then part.value else '{}' end) as e
                where part.is_own and not ops.is_shared(e.value ->> 'object')
                union all
                select part.attribute, e.value, is_deep or coalesce(e.value ->> 'object', 'list') = 'list'
                from jsonb_array_elements(
                    case when jsonb_typeof(part.value) = 'array' then part.value else '[]' end
                ) as e
                where part.is_own and not ops.is_shared(e.value ->> 'object')
            ) as child
    )

    select distinct named.id
    from (
        select staging.id_of(part.value) as id
        from part
        where
            jsonb_typeof(part.value) in ('string', 'object')
            and part.attribute = any(
                '{active_card,balance_transaction,card,charge,charges,checkout_session,credit_note,customer,'
                'customer_balance_transaction,default_card,default_payment_method,default_source,discount,discounts,'
                'dispute,early_fraud_warning,failure_balance_transaction,invoice,invoice_item,latest_attempt,'
                'latest_charge,latest_invoice,mandate,payment_intent,payment_method,payment_record,quote,'
                'recovered_from,refund,refunds,released_subscription,review,schedule,setup_attempt,setup_intent,'
                'single_use_mandate,source,source_transaction,subscription,subscription_item}'
            )
        union all
        select part.value ->> 'id'
        from part
        where part.is_own and (part.attribute is null or coalesce(part.value ->> 'object', 'list') <> 'list')
    ) as named
    where named.id <> ''
$$;
comment on function ops.linked_ids(jsonb, boolean) is
'Id of an object and of those that it names as belonging to the same customer; is_deep: also of all objects inside it '
'and what these name. Prices, products and the like are left out.';
