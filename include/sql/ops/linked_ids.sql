/* What belongs together: the id of an object, and the ids by which it names others of the same customer. */
create function ops.linked_ids(document jsonb, erased text[] default null) returns table (
    id text, since timestamptz
)
language sql
immutable parallel safe
as $$
    with recursive part (attribute, value, is_own, created) as (
        select null, document, true, document -> 'created'
        union all
        select child.attribute, child.value, child.is_own, coalesce(child.value -> 'created', part.created)
        from part
        cross join
            lateral (
                select
                    e.attribute,
                    e.value,
                    -- another object inside this one is named by it, and looked into only where all of it counts
                    erased is not null or coalesce(e.value ->> 'object', 'list') = 'list' as is_own
                from (
                    select e.key as attribute, e.value
                    from jsonb_each(case when jsonb_typeof(part.value) = 'object' then part.value else '{}' end) as e
                    union all
                    select part.attribute, e.value
                    from
                        jsonb_array_elements(
                            case when jsonb_typeof(part.value) = 'array' then part.value else '[]' end
                        ) as e
                ) as e (attribute, value)
                where
                    part.is_own
                    and not ops.is_shared(e.value ->> 'object')
                    -- what is of another customer leads to that one
                    and coalesce(ops.owner_of(e.value) = any(erased), true)
            ) as child
    ),

    named as (
        select
            staging.id_of(part.value) as id,
            -- these are made after what names them
            case
                when
                    part.attribute = any(
                        '{balance_transaction,charges,dispute,failure_balance_transaction,latest_attempt,latest_charge,'
                        'latest_invoice,refund,refunds}'
                    )
                    then part.created
            end as created
        from part
        where
            jsonb_typeof(part.value) in ('string', 'object')
            and part.attribute = any(
                '{active_card,balance_transaction,card,charge,charges,checkout_session,credit_note,customer_account,'
                'customer_balance_transaction,default_card,default_payment_method,default_source,discount,discounts,'
                'dispute,early_fraud_warning,failure_balance_transaction,invoice,invoice_item,last_verification_report,'
                'latest_attempt,latest_charge,latest_invoice,mandate,payment_intent,payment_method,payment_record,quote,'
                'recovered_from,refund,refunds,released_subscription,review,schedule,setup_attempt,setup_intent,'
                'single_use_mandate,source,source_transaction,subscription,subscription_item,verification_session}'
            )
        union all
        -- What was uploaded about a person; policies on refunds and cancellations are the company's own.
        select staging.id_of(part.value), null
        from part
        where
            part.attribute = any(
                '{additional_documentation,card_statement,cash_receipt,check_image,customer_communication,'
                'customer_signature,document,duplicate_charge_documentation,file,files,receipt,selfie,'
                'service_documentation,shipping_documentation,uncategorized_file}'
            )
            and staging.id_of(part.value) like 'file\_%'
        union all
        -- Nobody is led from one customer to another: this tells whose a document is.
        select ops.owner_of(part.value), null
        from part
        where erased is null and part.is_own and jsonb_typeof(part.value) = 'object'
        union all
        -- a card may be older than what it stands in, a line is not
        select
            part.value ->> 'id',
            case when part.value ? 'created' or part.value ->> 'object' = 'line_item' then part.created end
        from part
        where part.is_own and (part.attribute is null or coalesce(part.value ->> 'object', 'list') <> 'list')
    )

    select named.id, max(ops.made_at(named.created)) as since
    from named
    where named.id <> ''
    group by named.id
$$;
comment on function ops.linked_ids(jsonb, text[]) is
'Id of an object and of those that it names as belonging to the same customer, and when they were created at the '
'earliest (null: nothing tells). erased: also of all objects inside it and what these name, but for those of customers '
'that are not in it. Prices, products and the like are left out.';
