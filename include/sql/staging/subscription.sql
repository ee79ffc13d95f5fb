/* Reads a subscription, in every shape, newest path first. Its items are read by staging.subscription_item. */
create function staging.subscription(body jsonb) returns table (
    customer_id text,
    status text,
    currency text,
    collection_method text,
    cancellation_reason text,
    cancellation_feedback text,
    default_payment_method_id text,
    latest_invoice_id text,
    schedule_id text,
    pause_behavior text,
    test_clock_id text,
    tax_percent numeric,
    discounts jsonb,
    items jsonb,
    metadata jsonb,
    is_cancel_at_period_end boolean,
    has_more_items boolean,
    created_at timestamptz,
    started_at timestamptz,
    trial_start_at timestamptz,
    trial_end_at timestamptz,
    current_period_start_at timestamptz,
    current_period_end_at timestamptz,
    pause_resumes_at timestamptz,
    cancel_at timestamptz,
    canceled_at timestamptz,
    ended_at timestamptz
)
language sql
immutable parallel safe
as $$
    select
        staging.id_of(r.customer),
        r.status,
        lower(coalesce(
            r.currency,
            r.items #>> '{data,0,price,currency}',
            r.items #>> '{data,0,plan,currency}',
            r.plan ->> 'currency'
        )),
        coalesce(r.collection_method, r.billing),
        r.cancellation_details ->> 'reason',
        r.cancellation_details ->> 'feedback',
        coalesce(staging.id_of(r.default_payment_method), staging.id_of(r.default_source)),
        staging.id_of(r.latest_invoice),
        staging.id_of(r.schedule),
        r.pause_collection ->> 'behavior',
        staging.id_of(r.test_clock),
        coalesce(
            (
                select sum((rate ->> 'percentage')::numeric)
                from jsonb_array_elements(staging.list_items(r.default_tax_rates)) as rate
            ),
            r.tax_percent
        ),
        staging.discounts_of(r.discounts, r.discount),
        -- a single plan, without items, in the oldest shapes: its item takes the subscription's id
        case
            when staging.list_items(r.items) <> '[]' then staging.list_items(r.items)
            when jsonb_typeof(r.plan) = 'object'
                then jsonb_build_array(
                    jsonb_build_object(
                        'id', r.id, 'plan', r.plan, 'quantity', r.quantity, 'created', coalesce(r.created, r.start)
                    )
                )
            else '[]'
        end,
        r.metadata,
        r.cancel_at_period_end,
        coalesce((r.items ->> 'has_more')::boolean, false),
        to_timestamp(coalesce(r.created, r.start_date, r.start)),
        to_timestamp(coalesce(r.start_date, r.start)),
        to_timestamp(r.trial_start),
        to_timestamp(r.trial_end),
        -- on the items from 2025-03-31.basil on
        to_timestamp(coalesce((r.items #>> '{data,0,current_period_start}')::bigint, r.current_period_start)),
        to_timestamp(coalesce((r.items #>> '{data,0,current_period_end}')::bigint, r.current_period_end)),
        to_timestamp((r.pause_collection ->> 'resumes_at')::bigint),
        to_timestamp(r.cancel_at),
        to_timestamp(r.canceled_at),
        to_timestamp(r.ended_at)
    from jsonb_to_record(body) as r (
        id text,
        quantity bigint,
        customer jsonb,
        status text,
        currency text,
        plan jsonb,
        collection_method text,
        billing text,
        cancellation_details jsonb,
        default_payment_method jsonb,
        default_source jsonb,
        latest_invoice jsonb,
        schedule jsonb,
        pause_collection jsonb,
        test_clock jsonb,
        default_tax_rates jsonb,
        tax_percent numeric,
        discounts jsonb,
        discount jsonb,
        items jsonb,
        metadata jsonb,
        cancel_at_period_end boolean,
        created bigint,
        start_date bigint,
        start bigint,
        trial_start bigint,
        trial_end bigint,
        current_period_start bigint,
        current_period_end bigint,
        cancel_at bigint,
        canceled_at bigint,
        ended_at bigint
    )
$$;
comment on function staging.subscription(jsonb) is 'Typed columns of a subscription document of any API version.';
