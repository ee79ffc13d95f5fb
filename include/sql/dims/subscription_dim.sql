/* Grain: one row per subscription and stretch without a change. Who was subscribed, in which state, and when. */
select ops.begin_model(
    'subscription_dim', touching => '{subscription}', upstream => '{invoice_fact,invoice_line_fact}'
);
select ops.touch_invoiced_subscriptions();
select ops.read_touched('subscription');

-- they are rows of subscription_item_dim
alter table incoming drop column items, drop column has_more_items;
alter table incoming rename to shown;

create temp table first_shown on commit drop as
select distinct on (account_id, livemode, subscription_id)
    *,
    -- the last two are for subscriptions whose end has no date of its own
    coalesce(
        ended_at,
        case
            when status = 'canceled' then canceled_at
            when status = 'incomplete_expired' then created_at + interval '23 hours'
        end
    ) as over_at,
    -- an event of the creation begins the history; whatever else comes first leaves a past to be told
    version_rank <> 0 and version_at > created_at as has_past
from shown
order by account_id, livemode, subscription_id, version_at, version_rank, version_order;
analyze first_shown;

create temp table incoming on commit drop as
select shown.*, false as is_reconstructed, first_shown.version_at as observed_from
from shown
inner join first_shown using (account_id, livemode, subscription_id);

-- What its invoices tell: stretches in which the subscription was not simply active.
create temp table billed on commit drop as
select first_shown.account_id, first_shown.livemode, first_shown.subscription_id, stretch.*
from first_shown
inner join dwh.invoice_fact as invoice
    on
        first_shown.account_id = invoice.account_id
        and first_shown.livemode = invoice.livemode
        and first_shown.subscription_id = invoice.subscription_id
cross join
    lateral (
        select
            coalesce(invoice.finalized_at, invoice.created_at) as asked_at,
            coalesce(
                invoice.paid_at, invoice.voided_at, invoice.marked_uncollectible_at, 'infinity'
            ) as settled_at,
            coalesce(invoice.billing_reason = 'subscription_create', false) as is_first,
            coalesce(invoice.collection_method = 'send_invoice', false) as is_sent
    ) as asked
cross join
    lateral (
        -- the first payment makes a subscription active
        select 'incomplete' as status, invoice.created_at as from_at, invoice.paid_at as to_at
        where asked.is_first and not asked.is_sent and invoice.paid_at is not null
        union all
        -- the first attempt comes with the invoice; paid at a later one, or not yet
        select 'past_due', asked.asked_at, asked.settled_at
        where
            not asked.is_first
            and not asked.is_sent
            and (
                (invoice.status = 'paid' and invoice.attempt_count > 1 and invoice.paid_at is not null)
                or (invoice.status in ('open', 'uncollectible', 'void') and invoice.attempt_count > 0)
            )
        union all
        select 'past_due', invoice.due_at, asked.settled_at
        where
            asked.is_sent
            and invoice.due_at < asked.settled_at
            and (invoice.status <> 'paid' or invoice.paid_at is not null)
        union all
        -- Stripe leaves the invoices of an unpaid subscription as drafts
        select 'unpaid', invoice.created_at, 'infinity'
        where
            first_shown.status = 'unpaid' and invoice.status = 'draft' and invoice.billing_reason = 'subscription_cycle'
    ) as stretch
where
    first_shown.has_past
    and invoice.deleted_at is null
    and least(invoice.created_at, invoice.period_start_at) < first_shown.version_at
    and stretch.from_at < stretch.to_at;
-- Its own dates tell the newest trial only. What was billed at nothing, and no more of it at something after that, was
-- free: not a price of nothing, a first tier of nothing, or nothing used.
insert into billed
with line as (
    select
        first_shown.account_id,
        first_shown.livemode,
        first_shown.subscription_id,
        line.price_id,
        line.period_start_at as from_at,
        line.period_end_at as to_at,
        sum(line.quantity) as quantity,
        sum(line.amount_minor) as amount_minor
    from first_shown
    inner join dwh.invoice_line_fact as line
        on
            first_shown.account_id = line.account_id
            and first_shown.livemode = line.livemode
            and first_shown.subscription_id = line.subscription_id
    inner join dwh.invoice_fact as invoice
        on
            line.account_id = invoice.account_id
            and line.livemode = invoice.livemode
            and line.invoice_id = invoice.invoice_id
    where
        first_shown.has_past
        and invoice.deleted_at is null
        -- those of which ops.touch_invoiced_subscriptions tells
        and invoice.subscription_id = line.subscription_id
        and least(invoice.created_at, invoice.period_start_at) < first_shown.version_at
        and line.period_start_at < line.period_end_at
        and line.period_start_at < first_shown.version_at
        and line.line_type = 'subscription'
        and not coalesce(line.is_proration, false)
    group by
        first_shown.account_id, first_shown.livemode, first_shown.subscription_id, line.invoice_id, line.price_id,
        line.period_start_at, line.period_end_at
)

select distinct
    free.account_id,
    free.livemode,
    free.subscription_id,
    'trialing',
    free.from_at,
    free.to_at
from line as free
inner join line as paid
    on
        free.account_id = paid.account_id
        and free.livemode = paid.livemode
        and free.subscription_id = paid.subscription_id
        and free.price_id = paid.price_id
        and free.to_at = paid.from_at
        and free.quantity >= paid.quantity
where free.amount_minor = 0 and paid.amount_minor > 0;
create index on billed (account_id, livemode, subscription_id);
analyze billed;

create temp table reconstructed on commit drop as
select
    first_shown.*,
    true as is_reconstructed,
    first_shown.version_at as observed_from,
    moment.at,
    case
        when first_shown.over_at <= moment.at then first_shown.status
        when first_shown.trial_start_at <= moment.at and moment.at < first_shown.trial_end_at then 'trialing'
        when first_shown.status in ('incomplete', 'incomplete_expired') then 'incomplete'
        when first_shown.status = 'paused' and first_shown.trial_end_at <= moment.at then 'paused'
        else coalesce(
            (
                -- of several the gravest, but nothing is owed for free time: unpaid, trialing, past due, incomplete
                select max(billed.status)
                from billed
                where
                    billed.account_id = first_shown.account_id
                    and billed.livemode = first_shown.livemode
                    and billed.subscription_id = first_shown.subscription_id
                    and billed.from_at <= moment.at
                    and moment.at < billed.to_at
            ),
            'active'
        )
    end as status_then,
    coalesce(own.trial_from, told.trial_from) as trial_from,
    coalesce(own.trial_to, told.trial_to) as trial_to
from first_shown
cross join
    lateral (
        select first_shown.created_at as at
        union
        select first_shown.trial_start_at
        union
        select first_shown.trial_end_at
        union
        select first_shown.canceled_at
        union
        select first_shown.over_at
        union
        select turn.at
        from billed
        cross join lateral (values (billed.from_at), (billed.to_at)) as turn (at)
        where
            billed.account_id = first_shown.account_id
            and billed.livemode = first_shown.livemode
            and billed.subscription_id = first_shown.subscription_id
    ) as moment
-- the newest trial that had begun
left join lateral (
    select first_shown.trial_start_at as trial_from, first_shown.trial_end_at as trial_to
    where first_shown.trial_start_at <= moment.at
) as own on true
left join lateral (
    select billed.from_at as trial_from, billed.to_at as trial_to
    from billed
    where
        billed.account_id = first_shown.account_id
        and billed.livemode = first_shown.livemode
        and billed.subscription_id = first_shown.subscription_id
        and billed.status = 'trialing'
        and billed.from_at <= moment.at
    order by billed.from_at desc, billed.to_at desc
    limit 1
) as told on true
where
    first_shown.has_past
    and first_shown.created_at <= moment.at
    and moment.at < first_shown.version_at;

-- What was decided later was not known yet; what moves with every period nobody tells.
update reconstructed
set
    status = status_then,
    cancellation_reason = case when canceled_at <= at or over_at <= at then cancellation_reason end,
    cancellation_feedback = case when canceled_at <= at or over_at <= at then cancellation_feedback end,
    is_cancel_at_period_end = is_cancel_at_period_end and coalesce(canceled_at <= at, false),
    cancel_at = case when canceled_at <= at then cancel_at end,
    canceled_at = case when canceled_at <= at then canceled_at end,
    ended_at = case when ended_at <= at then ended_at end,
    latest_invoice_id = case when over_at <= at then latest_invoice_id end,
    current_period_start_at = case when over_at <= at then current_period_start_at end,
    current_period_end_at = case when over_at <= at then current_period_end_at end,
    trial_start_at = trial_from,
    trial_end_at = trial_to,
    pause_behavior = null,
    pause_resumes_at = null,
    version_at = at,
    version_rank = -3,
    version_order = 0;
alter table reconstructed
drop column over_at,
drop column has_past,
drop column at,
drop column status_then,
drop column trial_from,
drop column trial_to;

insert into incoming
select * from reconstructed;

select ops.apply_history();
