/* Grain: one row per change of what a subscription item at a price is worth a month. Every figure of MRR is a sum. */
select ops.begin_model(
    'mrr_change_fact',
    touching => '{subscription,customer,price,plan,coupon}',
    upstream => '{customer_dim,price_dim,discount_dim,subscription_dim,subscription_item_dim,invoice_line_fact}'
);
select ops.touch_invoiced_subscriptions('subscription_dim');
select ops.keep_new_coupons();

create temp table named_discount on commit drop as
select distinct document.account_id, document.livemode, discount.discount_id
from pending_batch
cross join lateral staging.documents_in_batch(pending_batch.batch_id, 'discount') as document
cross join lateral staging.discount(document.body) as discount
where discount.discount_id is not null
union
select known.account_id, known.livemode, known.discount_id
from touched
inner join dwh.discount_dim as known
    on
        touched.account_id = known.account_id
        and touched.livemode = known.livemode
        -- also one that it had before
        and known.coupon_ids @> array[touched.object_id]
where touched.object_type = 'coupon';
analyze named_discount;

-- What a discount without an id is on, which no dimension but that of its owner has.
create temp table bare_coupon on commit drop as
select
    account_id,
    livemode,
    jsonb_build_array(jsonb_build_object('coupon', object_id)) as discounts
from touched
where object_type = 'coupon';
analyze bare_coupon;

-- Customers whose discount reduces all that they subscribed to.
create temp table reduced_customer on commit drop as
select touched.account_id, touched.livemode, touched.object_id as customer_id
from touched
where touched.object_type = 'customer'
union
select known.account_id, known.livemode, known.customer_id
from named_discount
inner join dwh.discount_dim as known using (account_id, livemode, discount_id)
where known.subscription_id is null and known.customer_id is not null
union
select owner.account_id, owner.livemode, owner.customer_id
from bare_coupon
inner join dwh.customer_dim as owner
    on
        bare_coupon.account_id = owner.account_id
        and bare_coupon.livemode = owner.livemode
        and owner.discounts @> bare_coupon.discounts
        -- by the index of those alone
        and owner.discounts @? '$[*].coupon';
analyze reduced_customer;

create temp table affected on commit drop as
select account_id, livemode, object_id as subscription_id
from touched
where object_type = 'subscription'
union
select known.account_id, known.livemode, known.subscription_id
from named_discount
inner join dwh.discount_dim as known using (account_id, livemode, discount_id)
where known.subscription_id is not null
union
select known.account_id, known.livemode, known.subscription_id
from bare_coupon
inner join dwh.subscription_dim as known
    on
        bare_coupon.account_id = known.account_id
        and bare_coupon.livemode = known.livemode
        and known.discounts @> bare_coupon.discounts
        and known.discounts @? '$[*].coupon'
union
select item.account_id, item.livemode, item.subscription_id
from bare_coupon
inner join dwh.subscription_item_dim as item
    on
        bare_coupon.account_id = item.account_id
        and bare_coupon.livemode = item.livemode
        and item.discounts @> bare_coupon.discounts
        and item.discounts @? '$[*].coupon'
union
select item.account_id, item.livemode, item.subscription_id
from named_discount
inner join dwh.discount_dim as known
    on
        named_discount.account_id = known.account_id
        and named_discount.livemode = known.livemode
        and named_discount.discount_id = known.discount_id
inner join dwh.subscription_item_dim as item
    on
        known.account_id = item.account_id
        and known.livemode = item.livemode
        and known.subscription_item_id = item.subscription_item_id
union
select own.account_id, own.livemode, own.subscription_id
from reduced_customer
inner join dwh.subscription_dim as own using (account_id, livemode, customer_id)
where
    exists (
        select 1
        from dwh.customer_dim as customer
        where
            customer.account_id = reduced_customer.account_id
            and customer.livemode = reduced_customer.livemode
            and customer.customer_id = reduced_customer.customer_id
            and customer.discounts <> '[]'
    )
union
-- An item says what its price costs, unless that is more than an amount; what is reconstructed takes it from its price.
select item.account_id, item.livemode, item.subscription_id
from touched
inner join dwh.price_dim as price
    on
        touched.account_id = price.account_id
        and touched.livemode = price.livemode
        and touched.object_id = price.price_id
inner join dwh.subscription_item_dim as item
    on price.account_id = item.account_id and price.livemode = item.livemode and price.price_id = item.price_id
where
    touched.object_type in ('price', 'plan')
    and (
        item.is_reconstructed
        or item.unit_amount_minor is null
        or price.tiers_mode is not null
        or price.transform_quantity is not null
        or price.currency_options is not null
    )
union
-- What was used is worth what it was last billed for, if that is MRR at all.
select line.account_id, line.livemode, line.subscription_id
from pending_batch
cross join lateral staging.versions_in_batch(pending_batch.batch_id, 'invoice') as invoice
inner join dwh.invoice_line_fact as line
    on
        invoice.account_id = line.account_id
        and invoice.livemode = line.livemode
        and invoice.object_id = line.invoice_id
inner join dwh.subscription_item_dim as item
    on
        line.account_id = item.account_id
        and line.livemode = item.livemode
        and line.subscription_item_id = item.subscription_item_id
where item.usage_type = 'metered' and (select ops.choice('metered')) = 'last_invoice';
analyze affected;

create temp table stretch on commit drop as
select
    known.account_id,
    known.livemode,
    known.subscription_id,
    known.customer_id,
    known.currency,
    known.discounts,
    known.is_reconstructed,
    known.valid_from,
    coalesce(known.valid_to, known.deleted_at, 'infinity') as valid_to,
    ops.mrr_state(known.status, known.pause_behavior, known.is_cancel_at_period_end, known.cancel_at) as state
from affected
inner join dwh.subscription_dim as known using (account_id, livemode, subscription_id);
create index on stretch (account_id, livemode, subscription_id);
analyze stretch;

create temp table item on commit drop as
select
    affected.account_id,
    affected.livemode,
    affected.subscription_id,
    known.subscription_item_id,
    known.price_id,
    coalesce(known.product_id, price.product_id) as product_id,
    coalesce(known.currency, price.currency) as currency,
    known.discounts,
    known.valid_from,
    coalesce(known.valid_to, known.deleted_at, 'infinity') as valid_to,
    coalesce(known.quantity, 1) as quantity,
    coalesce(known.unit_amount_minor, price.unit_amount_minor) as unit_amount_minor,
    price.tiers_mode,
    price.tiers,
    price.transform_quantity,
    price.currency_options,
    known.interval_unit,
    coalesce(known.interval_count, 1) as interval_count,
    known.is_reconstructed
from affected
inner join dwh.subscription_item_dim as known using (account_id, livemode, subscription_id)
left join dwh.price_dim as price
    on
        known.account_id = price.account_id
        and known.livemode = price.livemode
        and known.price_id = price.price_id
        and price.is_current
where known.usage_type is distinct from 'metered' and known.interval_unit is not null and known.price_id is not null
union all
select
    billed.account_id, billed.livemode, billed.subscription_id, billed.subscription_item_id, billed.price_id,
    billed.product_id, billed.currency, billed.discounts, billed.valid_from, billed.valid_to, 1, billed.amount_minor,
    null, null, null, null, billed.interval_unit, billed.interval_count, billed.is_reconstructed
from ops.billed_usage() as billed;
create index on item (account_id, livemode, subscription_id);
analyze item;

-- Every discount that is shown somewhere: on an item, on the subscription, or on the customer who has it.
create temp table shown_discount on commit drop as
select
    shown.account_id, shown.livemode, shown.subscription_id, shown.subscription_item_id, shown.on_customer,
    shown.valid_from, shown.valid_to, element.place, element.discount
from (
    select
        account_id, livemode, subscription_id, null as subscription_item_id, false as on_customer, discounts,
        valid_from, valid_to
    from stretch
    union all
    select account_id, livemode, subscription_id, subscription_item_id, false, discounts, valid_from, valid_to
    from item
    union all
    select
        owner.account_id, owner.livemode, owner.subscription_id, null, true, customer.discounts, customer.valid_from,
        coalesce(customer.valid_to, customer.deleted_at, 'infinity')
    from (select distinct account_id, livemode, subscription_id, customer_id from stretch) as owner
    inner join dwh.customer_dim as customer using (account_id, livemode, customer_id)
) as shown
cross join lateral jsonb_array_elements(shown.discounts) with ordinality as element (discount, place)
where shown.discounts <> '[]';
analyze shown_discount;

-- What each of them takes off, and when: a customer's may change its coupon. Newer documents name the coupon only.
create temp table discount_term on commit drop as
with named as (
    select distinct account_id, livemode, discount
    from shown_discount
),

document as (
    select
        named.account_id,
        named.livemode,
        named.discount,
        known.version_at,
        known.version_rank,
        known.version_order,
        coalesce(known.deleted_at, 'infinity') as gone_at,
        known.coupon_id,
        known.duration,
        known.currency,
        known.percent_off,
        known.amount_off_minor,
        known.started_at,
        known.ended_at,
        0 as is_own
    from named
    inner join dwh.discount_dim as known
        on
            named.account_id = known.account_id
            and named.livemode = known.livemode
            and named.discount = to_jsonb(known.discount_id)
    where jsonb_typeof(named.discount) = 'string'
    union all
    select
        named.account_id,
        named.livemode,
        named.discount,
        version.version_at,
        version.version_rank,
        version.version_order,
        'infinity',
        own.coupon_id,
        own.duration,
        own.currency,
        own.percent_off,
        own.amount_off_minor,
        own.started_at,
        own.ended_at,
        1
    from named
    cross join
        lateral staging.versions_of_object(
            named.account_id, named.livemode, 'discount', named.discount #>> '{}'
        ) as version
    cross join lateral staging.discount(version.body) as own
    where jsonb_typeof(named.discount) = 'string' and version.version_rank < 3
    union all
    -- discounts of the oldest shapes have no id: staging.discounts_of keeps what they say
    select
        named.account_id, named.livemode, named.discount, '-infinity', 0, 0, 'infinity', own.coupon, own.duration,
        own.currency, own.percent_off, own.amount_off, to_timestamp(own.start), to_timestamp(own."end"), 1
    from named
    cross join
        lateral jsonb_to_record(named.discount) as own (
            coupon text,
            duration text,
            currency text,
            percent_off numeric,
            amount_off bigint,
            start bigint,
            "end" bigint
        )
    where jsonb_typeof(named.discount) = 'object'
),

-- its own documents tell more than what others show of it, unless these show another coupon since
told as (
    select
        *,
        first_value(is_own) over best_first as best,
        first_value(coupon_id) over best_first as best_coupon_id,
        first_value(version_at) over best_first as best_told_at,
        min(gone_at) over whole as ended_for_good_at
    from document
    window
        whole as (partition by account_id, livemode, discount),
        best_first as (
            partition by account_id, livemode, discount
            order by is_own desc, version_at desc, version_rank desc, version_order desc
        )
),

spanned as (
    select
        *,
        row_number() over history = 1 as is_first,
        lead(version_at) over history as next_at
    from told
    where is_own = best or (coupon_id <> best_coupon_id and version_at > best_told_at)
    window history as (
        partition by account_id, livemode, discount order by version_at, version_rank, version_order
    )
),

coupon as (
    select named.account_id, named.livemode, named.coupon_id, terms.*
    from (select distinct account_id, livemode, coupon_id from spanned where coupon_id is not null) as named
    cross join lateral staging.coupon_terms(named.account_id, named.livemode, named.coupon_id) as terms
)

select
    spanned.account_id,
    spanned.livemode,
    spanned.discount,
    greatest(
        case when spanned.is_first then '-infinity' else spanned.version_at end, spanned.started_at
    ) as valid_from,
    least(spanned.next_at, spanned.ended_at, spanned.ended_for_good_at) as valid_to,
    spanned.version_at as start_told_at,
    case
        when spanned.ended_at < least(spanned.next_at, spanned.ended_for_good_at) then spanned.version_at
        else least(spanned.next_at, spanned.ended_for_good_at)
    end as end_told_at,
    terms.percent_off,
    terms.amount_off_minor,
    terms.currency,
    coupon.currency_options,
    coupon.applies_to_product_ids
from spanned
left join coupon
    on
        spanned.account_id = coupon.account_id
        and spanned.livemode = coupon.livemode
        and spanned.coupon_id = coupon.coupon_id
        and coupon.given_from <= coalesce(spanned.started_at, spanned.version_at)
        and coalesce(spanned.started_at, spanned.version_at) < coupon.given_until
left join dwh.discount_dim as known
    on
        spanned.account_id = known.account_id
        and spanned.livemode = known.livemode
        and spanned.discount = to_jsonb(known.discount_id)
-- as this version says; else as its coupon does; else as another version said: whole, and never a part from each, since
-- a coupon's id may be given again, to other terms
cross join
    lateral (
        select source.*
        from (
            values
            (1, spanned.duration, spanned.currency, spanned.percent_off, spanned.amount_off_minor),
            (2, coupon.duration, coupon.currency, coupon.percent_off, coupon.amount_off_minor),
            (
                3,
                known.coupon_terms #>> array[spanned.coupon_id, 'duration'],
                known.coupon_terms #>> array[spanned.coupon_id, 'currency'],
                (known.coupon_terms #>> array[spanned.coupon_id, 'percent_off'])::numeric,
                (known.coupon_terms #>> array[spanned.coupon_id, 'amount_off_minor'])::bigint
            )
        ) as source (place, duration, currency, percent_off, amount_off_minor)
        order by source.percent_off is null and source.amount_off_minor is null, source.place
        limit 1
    ) as terms
where ops.is_subtracted(terms.duration);
analyze discount_term;

select ops.value_subscriptions();
select ops.find_turns_of_discounts();

-- whose it is now, and whose it was
with gone as (
    delete from dwh.mrr_change_fact
    using affected
    where
        dwh.mrr_change_fact.account_id = affected.account_id
        and dwh.mrr_change_fact.livemode = affected.livemode
        and dwh.mrr_change_fact.subscription_id = affected.subscription_id
    returning dwh.mrr_change_fact.account_id, dwh.mrr_change_fact.livemode, dwh.mrr_change_fact.customer_id
)

insert into ops.changed_customer (model, account_id, livemode, customer_id)
select ops.ledger_name('mrr_change_fact'), owner.account_id, owner.livemode, owner.customer_id
from (
    select account_id, livemode, customer_id from gone
    union
    select account_id, livemode, customer_id from stretch
) as owner
where owner.customer_id is not null
on conflict do nothing;

insert into dwh.mrr_change_fact (
    account_id, livemode, subscription_item_id, price_id, changed_at, date_sk, subscription_id, customer_id, product_id,
    currency, mrr_change_minor, mrr_after_minor, paused_change_minor, paused_after_minor, trial_change_minor,
    trial_after_minor, event_id, is_reconstructed
)
select
    account_id, livemode, subscription_item_id, price_id, changed_at, staging.date_sk(changed_at), subscription_id,
    customer_id, product_id, currency, mrr_change_minor, mrr_after_minor, paused_change_minor, paused_after_minor,
    trial_change_minor, trial_after_minor,
    -- what changed for all that the customer subscribed to, the customer's event tells
    coalesce(
        staging.event_of(account_id, livemode, 'subscription', subscription_id, changed_at),
        staging.event_of(account_id, livemode, 'customer', customer_id, changed_at),
        ops.event_of_discount(account_id, livemode, subscription_id, customer_id, changed_at)
    ),
    is_reconstructed
from mrr_change;

select ops.end_model((select count(*) from affected), (select count(*) from mrr_change));
