/* Grain: one row per change of what a subscription item at a price is worth a month. Every figure of MRR is a sum. */
select ops.begin_model(
    'mrr_change_fact',
    touching => '{subscription,customer,price,plan,coupon}',
    upstream => '{customer_dim,price_dim,coupon_dim,discount_dim,invoice_fact,subscription_dim,subscription_item_dim}'
);
select ops.touch_invoiced_subscriptions('subscription_dim');

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
    on touched.account_id = known.account_id and touched.livemode = known.livemode and touched.object_id = known.coupon_id
where touched.object_type = 'coupon';
analyze named_discount;

-- Customers whose discount reduces all that they subscribed to.
create temp table reduced_customer on commit drop as
select touched.account_id, touched.livemode, touched.object_id as customer_id
from touched
where touched.object_type = 'customer'
union
select known.account_id, known.livemode, known.customer_id
from named_discount
inner join dwh.discount_dim as known using (account_id, livemode, discount_id)
where known.subscription_id is null and known.customer_id is not null;
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
    on touched.account_id = price.account_id and touched.livemode = price.livemode and touched.object_id = price.price_id
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
    );
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
    case
        when
            known.status = any(string_to_array(ops.choice('mrr_statuses'), ','))
            then
                case
                    when
                        ops.choice('churn_moment') = 'cancel_request'
                        and (known.is_cancel_at_period_end or known.cancel_at is not null)
                        then 'none'
                    when known.pause_behavior is not null and ops.choice('paused_counts') = 'no' then 'paused'
                    else 'mrr'
                end
        when known.status = 'paused' then case ops.choice('paused_counts') when 'yes' then 'mrr' else 'paused' end
        when known.status = 'trialing' then 'trial'
        else 'none'
    end as state
from affected
inner join dwh.subscription_dim as known using (account_id, livemode, subscription_id);
create index on stretch (account_id, livemode, subscription_id);
analyze stretch;

create temp table item on commit drop as
select
    known.account_id,
    known.livemode,
    known.subscription_id,
    known.subscription_item_id,
    known.price_id,
    coalesce(known.product_id, price.product_id) as product_id,
    coalesce(known.currency, price.currency) as currency,
    known.discounts,
    known.is_reconstructed,
    known.valid_from,
    coalesce(known.valid_to, known.deleted_at, 'infinity') as valid_to,
    coalesce(known.quantity, 1) as quantity,
    coalesce(known.unit_amount_minor, price.unit_amount_minor) as unit_amount_minor,
    price.tiers_mode,
    price.tiers,
    price.transform_quantity,
    price.currency_options,
    known.interval_unit,
    coalesce(known.interval_count, 1) as interval_count
from affected
inner join dwh.subscription_item_dim as known using (account_id, livemode, subscription_id)
left join dwh.price_dim as price
    on
        known.account_id = price.account_id
        and known.livemode = price.livemode
        and known.price_id = price.price_id
        and price.is_current
where known.usage_type is distinct from 'metered' and known.interval_unit is not null and known.price_id is not null;
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
        named.account_id, named.livemode, named.discount, version.version_at, version.version_rank,
        version.version_order, 'infinity', own.coupon_id, own.duration, own.currency, own.percent_off,
        own.amount_off_minor, own.started_at, own.ended_at, 1
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

-- its own documents tell more than what others show of it
told as (
    select
        *,
        max(is_own) over whole as best,
        min(gone_at) over whole as ended_for_good_at
    from document
    window whole as (partition by account_id, livemode, discount)
),

spanned as (
    select
        *,
        row_number() over history = 1 as is_first,
        lead(version_at) over history as next_at
    from told
    where is_own = best
    window history as (
        partition by account_id, livemode, discount order by version_at, version_rank, version_order
    )
)

select
    spanned.account_id,
    spanned.livemode,
    spanned.discount,
    greatest(
        case when spanned.is_first then '-infinity' else spanned.version_at end, spanned.started_at
    ) as valid_from,
    least(spanned.next_at, spanned.ended_at, spanned.ended_for_good_at) as valid_to,
    coalesce(spanned.percent_off, coupon.percent_off) as percent_off,
    coalesce(spanned.amount_off_minor, coupon.amount_off_minor) as amount_off_minor,
    coalesce(spanned.currency, coupon.currency) as currency,
    coupon.currency_options,
    coupon.applies_to_product_ids
from spanned
left join dwh.coupon_dim as coupon
    on
        spanned.account_id = coupon.account_id
        and spanned.livemode = coupon.livemode
        and spanned.coupon_id = coupon.coupon_id
where
    case coalesce(spanned.duration, coupon.duration)
        when 'forever' then true
        when 'repeating' then ops.choice('subtract_repeating') = 'yes'
        when 'once' then ops.choice('subtract_once') = 'yes'
        else false
    end;
analyze discount_term;

-- When anything changes that a subscription's worth depends on.
create temp table moment on commit drop as
with turn as (
    select account_id, livemode, subscription_id, valid_from as at from stretch
    union
    select account_id, livemode, subscription_id, valid_to from stretch
    union
    select account_id, livemode, subscription_id, valid_from from item
    union
    select account_id, livemode, subscription_id, valid_to from item
    union
    select account_id, livemode, subscription_id, valid_from from shown_discount
    union
    select account_id, livemode, subscription_id, valid_to from shown_discount
    union
    select shown.account_id, shown.livemode, shown.subscription_id, bound.at
    from shown_discount as shown
    inner join discount_term as term using (account_id, livemode, discount)
    cross join lateral (values (term.valid_from), (term.valid_to)) as bound (at)
)

select
    row_number() over () as moment_id,
    row_number() over (partition by turn.account_id, turn.livemode, turn.subscription_id order by turn.at) as number,
    turn.account_id,
    turn.livemode,
    turn.subscription_id,
    turn.at,
    stretch.customer_id,
    stretch.currency,
    coalesce(stretch.is_reconstructed, false) as is_reconstructed,
    coalesce(stretch.state, 'none') as state,
    coalesce(
        bool_or(stretch.state = 'mrr') over (
            partition by turn.account_id, turn.livemode, turn.subscription_id
            order by turn.at
            rows between unbounded preceding and 1 preceding
        ), false
    ) as was_mrr
from turn
left join stretch
    on
        turn.account_id = stretch.account_id
        and turn.livemode = stretch.livemode
        and turn.subscription_id = stretch.subscription_id
        and stretch.valid_from <= turn.at
        and turn.at < stretch.valid_to
where isfinite(turn.at);
create index on moment (account_id, livemode, subscription_id, number);
analyze moment;

create temp table worth on commit drop as
select
    row_number() over () as worth_id,
    moment.moment_id,
    moment.number,
    moment.account_id,
    moment.livemode,
    moment.subscription_id,
    item.subscription_item_id,
    item.price_id,
    item.product_id,
    coalesce(moment.currency, item.currency) as currency,
    item.is_reconstructed,
    item.interval_unit,
    item.interval_count,
    coalesce(
        case
            when moment.currency = item.currency or not coalesce(item.currency_options ? moment.currency, false)
                then
                    dwh.period_amount(
                        item.quantity, item.unit_amount_minor, item.tiers_mode, item.tiers, item.transform_quantity
                    )
            else
                dwh.period_amount(
                    item.quantity,
                    coalesce(
                        (item.currency_options #>> array[moment.currency, 'unit_amount_decimal'])::numeric,
                        (item.currency_options #>> array[moment.currency, 'unit_amount'])::numeric
                    ),
                    item.tiers_mode,
                    item.currency_options #> array[moment.currency, 'tiers'],
                    item.transform_quantity
                )
        end, 0
    ) as left_minor
from moment
inner join item
    on
        moment.account_id = item.account_id
        and moment.livemode = item.livemode
        and moment.subscription_id = item.subscription_id
        and item.valid_from <= moment.at
        and moment.at < item.valid_to
where moment.state in ('mrr', 'paused', 'trial');
analyze worth;

create temp table reduction on commit drop as
with held as (
    select
        moment.moment_id,
        shown.subscription_item_id,
        shown.on_customer,
        shown.place,
        term.percent_off,
        case
            when term.currency = moment.currency then term.amount_off_minor
            else (term.currency_options #>> array[moment.currency, 'amount_off'])::bigint
        end as amount_off_minor,
        term.applies_to_product_ids as product_ids
    from moment
    inner join shown_discount as shown
        on
            moment.account_id = shown.account_id
            and moment.livemode = shown.livemode
            and moment.subscription_id = shown.subscription_id
            and shown.valid_from <= moment.at
            and moment.at < shown.valid_to
    inner join discount_term as term
        on
            shown.account_id = term.account_id
            and shown.livemode = term.livemode
            and shown.discount = term.discount
            and coalesce(term.valid_from <= moment.at, true)
            and coalesce(moment.at < term.valid_to, true)
    where
        not shown.on_customer
        -- discounts of its own, also those that are not subtracted, put its customer's out of force
        or not exists (
            select 1
            from shown_discount as own
            where
                own.account_id = moment.account_id
                and own.livemode = moment.livemode
                and own.subscription_id = moment.subscription_id
                and own.subscription_item_id is null
                and not own.on_customer
                and own.valid_from <= moment.at
                and moment.at < own.valid_to
        )
)

select
    moment_id,
    subscription_item_id,
    percent_off,
    amount_off_minor,
    product_ids,
    row_number() over (
        partition by moment_id order by percent_off is null, subscription_item_id is null, subscription_item_id, place
    ) as place
from held
where percent_off is not null or amount_off_minor is not null;
create index on reduction (place, moment_id);
analyze reduction;
select ops.take_off_discounts();

create temp table incoming on commit drop as
with value as (
    select
        worth.*,
        moment.at,
        moment.state,
        moment.was_mrr,
        moment.is_reconstructed or worth.is_reconstructed as is_told,
        -- 12 months, 52 weeks or 365 days in a year; the only division
        round(
            worth.left_minor
            * case worth.interval_unit when 'year' then 1 when 'month' then 12 when 'week' then 52 when 'day' then 365 end
            / (12 * worth.interval_count),
            10
        ) as monthly_minor
    from worth
    inner join moment using (moment_id)
),

placed as (
    select
        account_id, livemode, subscription_id, subscription_item_id, price_id, product_id, currency, number,
        case when state = 'mrr' then monthly_minor else 0 end as mrr_after_minor,
        case when state = 'paused' then monthly_minor else 0 end as paused_after_minor,
        case when state = 'trial' and was_mrr then monthly_minor else 0 end as free_period_after_minor,
        lead(number) over item_history as next_number
    from value
    window item_history as (
        partition by account_id, livemode, subscription_item_id, price_id order by number
    )
),

-- where an item goes, changes its price, or the subscription ends, it is worth nothing from the next moment on
filled as (
    select
        account_id, livemode, subscription_id, subscription_item_id, price_id, product_id, currency, number,
        mrr_after_minor, paused_after_minor, free_period_after_minor
    from placed
    union all
    select
        account_id, livemode, subscription_id, subscription_item_id, price_id, product_id, currency, number + 1, 0, 0, 0
    from placed
    where next_number is distinct from number + 1
),

changed as (
    select
        filled.*,
        moment.at as changed_at,
        moment.customer_id,
        moment.is_reconstructed,
        moment.was_mrr,
        filled.mrr_after_minor - lag(filled.mrr_after_minor, 1, 0::numeric) over item_history as mrr_change_minor,
        filled.paused_after_minor - lag(filled.paused_after_minor, 1, 0::numeric) over item_history
            as paused_change_minor,
        filled.free_period_after_minor - lag(filled.free_period_after_minor, 1, 0::numeric) over item_history
            as free_period_change_minor
    from filled
    inner join moment
        on
            filled.account_id = moment.account_id
            and filled.livemode = moment.livemode
            and filled.subscription_id = moment.subscription_id
            and filled.number = moment.number
    window item_history as (
        partition by filled.account_id, filled.livemode, filled.subscription_item_id, filled.price_id
        order by filled.number
    )
)

select * from changed
where mrr_change_minor <> 0 or paused_change_minor <> 0 or free_period_change_minor <> 0;

delete from dwh.mrr_change_fact
using affected
where
    dwh.mrr_change_fact.account_id = affected.account_id
    and dwh.mrr_change_fact.livemode = affected.livemode
    and dwh.mrr_change_fact.subscription_id = affected.subscription_id;

insert into dwh.mrr_change_fact (
    account_id, livemode, subscription_item_id, price_id, changed_at, date_sk, subscription_id, customer_id, product_id,
    currency, mrr_change_minor, mrr_after_minor, paused_change_minor, paused_after_minor, free_period_change_minor,
    free_period_after_minor, event_id, was_mrr, is_reconstructed
)
select
    incoming.account_id, incoming.livemode, incoming.subscription_item_id, incoming.price_id, incoming.changed_at,
    staging.date_sk(incoming.changed_at), incoming.subscription_id, incoming.customer_id, incoming.product_id,
    incoming.currency, incoming.mrr_change_minor, incoming.mrr_after_minor, incoming.paused_change_minor,
    incoming.paused_after_minor, incoming.free_period_change_minor, incoming.free_period_after_minor, cause.event_id,
    incoming.was_mrr, incoming.is_reconstructed
from incoming
left join
    lateral (
        select event.event_id
        from (
            values ('subscription', incoming.subscription_id), ('customer', incoming.customer_id)
        ) as source (object_type, object_id)
        inner join raw.event as event
            on
                event.account_id = incoming.account_id
                and event.livemode = incoming.livemode
                and event.object_type = source.object_type
                and event.object_id = source.object_id
                and event.created_at = incoming.changed_at
        where event.unreadable is null
        order by source.object_type desc, event.listing_order desc, event.event_id
        limit 1
    ) as cause on true;

select ops.end_model((select count(*) from affected), (select count(*) from incoming));
