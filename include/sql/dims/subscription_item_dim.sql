/* Grain: one row per subscription item and stretch without a change. What exactly was subscribed to; MRR reads this. */
select ops.begin_model(
    'subscription_item_dim',
    touching => '{subscription}',
    upstream => '{price_dim,invoice_fact,invoice_line_fact}'
);
select ops.touch_invoiced_subscriptions();

-- What was reconstructed took from its price what the price, or the plan by whose name it came, says now.
insert into touched (account_id, livemode, object_type, object_id)
with arrived_price as (
    select distinct version.account_id, version.livemode, version.object_id as price_id
    from pending_batch
    cross join staging.kinds_of('price') as kind (object_type)
    cross join lateral staging.versions_in_batch(pending_batch.batch_id, kind.object_type) as version
)

select distinct known.account_id, known.livemode, 'subscription', known.subscription_id
from arrived_price
inner join dwh.price_dim as price using (account_id, livemode, price_id)
inner join dwh.subscription_item_dim as known using (account_id, livemode, price_id)
where
    price.is_current
    and known.is_reconstructed
    and (
        known.product_id is distinct from price.product_id
        or known.currency is distinct from price.currency
        or known.interval_unit is distinct from price.interval_unit
        or known.interval_count is distinct from price.interval_count
        or known.usage_type is distinct from price.usage_type
        or known.unit_amount_minor is distinct from price.unit_amount_minor
    )
    and not exists (
        select 1
        from touched
        where
            touched.account_id = known.account_id
            and touched.livemode = known.livemode
            and touched.object_id = known.subscription_id
    );

select ops.bound_touched('subscription_id');

create temp table version on commit drop as
select
    v.account_id,
    v.livemode,
    v.object_id as subscription_id,
    s.created_at as subscribed_at,
    s.items,
    s.has_more_items,
    v.version_at,
    v.version_rank,
    v.version_order
from touched
cross join
    lateral staging.versions_of_object(
        touched.account_id, touched.livemode, touched.object_type, touched.object_id, touched.since
    ) as v
cross join lateral staging.subscription(v.body) as s
-- a subscription always has items: where there are none, the document does not tell, or the subscription is gone
where s.items <> '[]' or v.version_rank >= 3;

create temp table first_version on commit drop as
select distinct on (account_id, livemode, subscription_id)
    account_id,
    livemode,
    subscription_id,
    subscribed_at,
    version_at as observed_from,
    -- an event of the creation begins the history; whatever else comes first leaves a past to be told
    version_rank <> 0 and version_at > subscribed_at as has_past,
    has_more_items,
    case when jsonb_array_length(items) = 1 then items #>> '{0,id}' end as only_item_id
from version
where items <> '[]'
order by account_id, livemode, subscription_id, version_at, version_rank, version_order;
analyze first_version;

-- the versions are joined with themselves: guessed to be few, they would be so row by row
analyze version;

create temp table incoming on commit drop as
with numbered as (
    select
        *,
        row_number() over (
            partition by account_id, livemode, subscription_id order by version_at, version_rank, version_order
        ) as place
    from version
),

succession as (
    select
        *,
        -- an item beyond the embedded page is not gone: only a version that shows all items tells which are
        min(case when not has_more_items then place end) over (
            partition by account_id, livemode, subscription_id
            order by place desc
            rows between unbounded preceding and 1 preceding
        ) as next_whole_place
    from numbered
),

present as (
    select
        succession.*,
        item.*,
        lead(succession.place) over (
            partition by
                succession.account_id, succession.livemode, succession.subscription_id, item.subscription_item_id
            order by succession.place
        ) as next_place
    from succession
    cross join lateral jsonb_array_elements(succession.items) as element
    cross join lateral staging.subscription_item(element) as item
),

removed as (
    select
        present.*,
        whole.version_at as removed_at,
        whole.version_order as removed_order
    from present
    inner join numbered as whole
        on
            present.account_id = whole.account_id
            and present.livemode = whole.livemode
            and present.subscription_id = whole.subscription_id
            and present.next_whole_place = whole.place
    where coalesce(present.next_place > present.next_whole_place, true)
),

shown as (
    select
        account_id, livemode, subscription_item_id, subscription_id, price_id, product_id, currency, interval_unit,
        usage_type, unit_amount_minor, interval_count, quantity, discounts, metadata, created_at, version_at,
        version_rank, version_order
    from present
    union all
    select
        account_id, livemode, subscription_item_id, subscription_id, price_id, product_id, currency, interval_unit,
        usage_type, unit_amount_minor, interval_count, quantity, discounts, metadata, created_at, removed_at,
        3::smallint as version_rank,
        removed_order
    from removed
)

select
    shown.*,
    false as is_reconstructed,
    case
        -- an item beyond the embedded page may well have been there before the whole list was read
        when first_version.has_past and first_version.has_more_items
            then
                min(shown.version_at)
                    over (partition by shown.account_id, shown.livemode, shown.subscription_item_id)
        else first_version.observed_from
    end as observed_from
from shown
inner join first_version using (account_id, livemode, subscription_id);

-- What lines of invoices tell: an item's state from a moment on or, where they give credit for it, until then.
create temp table told on commit drop as
select
    first_version.account_id,
    first_version.livemode,
    first_version.subscription_id,
    first_version.subscribed_at,
    first_version.observed_from,
    -- lines of the oldest shapes name no item
    coalesce(line.subscription_item_id, first_version.only_item_id) as subscription_item_id,
    line.price_id,
    line.is_proration and line.amount_minor < 0 as is_credit,
    line.is_proration,
    line.period_start_at as at,
    max(line.period_end_at) as until_at,
    line.invoiced_at,
    line.invoice_id,
    max(line.product_id) as product_id,
    max(line.currency) as currency,
    max(line.unit_amount_minor) as unit_amount_minor,
    -- each tier of a graduated price has a line
    sum(line.quantity) as quantity
from first_version
inner join dwh.invoice_fact as invoice
    on
        first_version.account_id = invoice.account_id
        and first_version.livemode = invoice.livemode
        and first_version.subscription_id = invoice.subscription_id
inner join dwh.invoice_line_fact as line
    on
        invoice.account_id = line.account_id
        and invoice.livemode = line.livemode
        and invoice.invoice_id = line.invoice_id
where
    first_version.has_past
    and invoice.deleted_at is null
    and least(invoice.created_at, invoice.period_start_at) < first_version.observed_from
    and line.period_start_at < first_version.observed_from
    and (line.line_type = 'subscription' or line.is_proration)
    and coalesce(line.subscription_id, first_version.subscription_id) = first_version.subscription_id
    and coalesce(line.subscription_item_id, first_version.only_item_id) is not null
group by
    first_version.account_id, first_version.livemode, first_version.subscription_id, first_version.subscribed_at,
    first_version.observed_from, coalesce(line.subscription_item_id, first_version.only_item_id), line.price_id,
    line.is_proration and line.amount_minor < 0, line.is_proration, line.period_start_at, line.invoiced_at,
    line.invoice_id;
analyze told;

analyze incoming;

-- An item that was there when Stripe first showed the subscription, or one that was gone by then.
create temp table past_item on commit drop as
with first_item as (
    select distinct on (incoming.account_id, incoming.livemode, incoming.subscription_item_id)
        incoming.*,
        coalesce(incoming.created_at, first_version.subscribed_at) as began_at,
        false as is_gone
    from incoming
    inner join first_version using (account_id, livemode, subscription_id)
    where
        first_version.has_past
        and incoming.version_at = incoming.observed_from
        and incoming.version_rank <> 3
    order by
        incoming.account_id, incoming.livemode, incoming.subscription_item_id, incoming.version_rank,
        incoming.version_order
)

select
    account_id, livemode, subscription_id, subscription_item_id, observed_from, price_id, product_id, currency,
    interval_unit, usage_type, unit_amount_minor, interval_count, quantity, discounts, metadata, created_at, began_at,
    is_gone
from first_item
where began_at < observed_from
union all
select distinct
    told.account_id, told.livemode, told.subscription_id, told.subscription_item_id, told.observed_from, null, null,
    null, null, null, null::numeric, null::integer, null::bigint, '[]'::jsonb, null::jsonb, null::timestamptz,
    told.subscribed_at, true
from told
left join incoming using (account_id, livemode, subscription_item_id)
where incoming.subscription_item_id is null;
create index on past_item (account_id, livemode, subscription_item_id);
analyze past_item;

-- Their states by those lines, in the temporary table billed.
select ops.read_billed_items();

create temp table wanted_price on commit drop as
select distinct billed.account_id, billed.livemode, past_item.subscription_id, billed.price_id
from billed
inner join past_item using (account_id, livemode, subscription_item_id);
analyze wanted_price;

create temp table known_price on commit drop as
-- a price that was not loaded is whole in every item that has it
with seen_price as (
    select distinct on (account_id, livemode, subscription_id, price_id) incoming.*
    from incoming
    inner join wanted_price using (account_id, livemode, subscription_id, price_id)
    order by
        account_id, livemode, subscription_id, price_id, version_at, version_rank, version_order, subscription_item_id
)

select
    w.account_id,
    w.livemode,
    w.subscription_id,
    w.price_id,
    coalesce(p.product_id, seen.product_id) as product_id,
    coalesce(p.currency, seen.currency) as currency,
    coalesce(p.interval_unit, seen.interval_unit) as interval_unit,
    coalesce(p.interval_count, seen.interval_count) as interval_count,
    coalesce(p.usage_type, seen.usage_type) as usage_type,
    coalesce(p.unit_amount_minor, seen.unit_amount_minor) as unit_amount_minor,
    coalesce(p.price_id, seen.price_id) is not null as is_known
from wanted_price as w
left join dwh.price_dim as p
    on
        w.account_id = p.account_id
        and w.livemode = p.livemode
        and w.price_id = p.price_id
        and p.is_current
left join seen_price as seen
    on
        w.account_id = seen.account_id
        and w.livemode = seen.livemode
        and w.subscription_id = seen.subscription_id
        and w.price_id = seen.price_id;
analyze known_price;

insert into incoming
select
    billed.account_id,
    billed.livemode,
    billed.subscription_item_id,
    past_item.subscription_id,
    billed.price_id,
    coalesce(price.product_id, billed.product_id),
    coalesce(price.currency, billed.currency),
    price.interval_unit,
    price.usage_type,
    -- null for a price in tiers; lines show what a unit cost after credits and in trials
    case when price.is_known then price.unit_amount_minor else billed.unit_amount_minor end,
    price.interval_count,
    case when coalesce(price.usage_type <> 'metered', true) then billed.quantity::bigint end,
    past_item.discounts,
    past_item.metadata,
    past_item.created_at,
    billed.at,
    billed.version_rank,
    billed.version_order,
    true,
    past_item.observed_from
from billed
inner join past_item using (account_id, livemode, subscription_item_id)
left join known_price as price
    on
        billed.account_id = price.account_id
        and billed.livemode = price.livemode
        and past_item.subscription_id = price.subscription_id
        and billed.price_id = price.price_id
where billed.at <= past_item.observed_from
union all
-- where no line tells anything, the first state that Stripe showed is held to be true since the creation
select
    past_item.account_id, past_item.livemode, past_item.subscription_item_id, past_item.subscription_id,
    past_item.price_id, past_item.product_id, past_item.currency, past_item.interval_unit, past_item.usage_type,
    past_item.unit_amount_minor, past_item.interval_count, past_item.quantity, past_item.discounts,
    past_item.metadata, past_item.created_at, past_item.began_at, -3, 0, true, past_item.observed_from
from past_item
where
    not past_item.is_gone
    and not exists (
        select 1
        from billed
        where
            billed.account_id = past_item.account_id
            and billed.livemode = past_item.livemode
            and billed.subscription_item_id = past_item.subscription_item_id
    );

-- an item that invoices alone told of goes with what they told
delete from dwh.subscription_item_dim
using touched
where
    dwh.subscription_item_dim.account_id = touched.account_id
    and dwh.subscription_item_dim.livemode = touched.livemode
    and dwh.subscription_item_dim.subscription_id = touched.object_id;

select ops.apply_history();
