/* What every subscription item is worth a month, change by change. */
create table dwh.mrr_change_fact (
    account_id text not null,
    livemode boolean not null,
    subscription_item_id text not null,
    price_id text not null,
    changed_at timestamptz not null,
    date_sk integer not null,
    subscription_id text not null,
    customer_id text not null,
    product_id text,
    currency text not null,
    mrr_change_minor numeric not null,
    mrr_after_minor numeric not null,
    paused_change_minor numeric not null,
    paused_after_minor numeric not null,
    trial_change_minor numeric not null,
    trial_after_minor numeric not null,
    event_id text,
    is_reconstructed boolean not null,
    primary key (account_id, livemode, subscription_item_id, price_id, customer_id, changed_at)
);
create index mrr_change_fact_subscription_id on dwh.mrr_change_fact (account_id, livemode, subscription_id);
create index mrr_change_fact_customer_id on dwh.mrr_change_fact (account_id, livemode, customer_id);
comment on table dwh.mrr_change_fact is
'Grain: one row per change of what a subscription item at a price is worth a month. MRR at a moment is the sum of '
'mrr_change_minor until then; see docs/metrics.md for the formula, ops.policy for the choices in it.';
comment on column dwh.mrr_change_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.mrr_change_fact.livemode is 'False for test data.';
comment on column dwh.mrr_change_fact.subscription_item_id is 'Stripe id (si_...).';
comment on column dwh.mrr_change_fact.price_id is
'Price that the item has, or had until this change: a switch of prices is a row for each of the two.';
comment on column dwh.mrr_change_fact.changed_at is 'From when on it is worth mrr_after_minor.';
comment on column dwh.mrr_change_fact.date_sk is 'Day of the change in UTC, as in date_dim.';
comment on column dwh.mrr_change_fact.subscription_id is 'Subscription of the item.';
comment on column dwh.mrr_change_fact.customer_id is
'Customer whose subscription it is, or was until this change: who takes it over has a row beside the one who loses it.';
comment on column dwh.mrr_change_fact.product_id is 'Product of the price.';
comment on column dwh.mrr_change_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.mrr_change_fact.mrr_change_minor is
'What the change adds to MRR, minor units, unrounded to ten decimals: $100 a year is 833.3333333333 cents a month.';
comment on column dwh.mrr_change_fact.mrr_after_minor is 'MRR of the item at this price from then on, minor units.';
comment on column dwh.mrr_change_fact.paused_change_minor is
'What it adds to the paused bucket: what would be MRR, were it not paused.';
comment on column dwh.mrr_change_fact.paused_after_minor is 'What of it is paused from then on.';
comment on column dwh.mrr_change_fact.trial_change_minor is
'What it adds to the bucket of trials: what would be MRR, were it not free. Of who paid before it is a free period.';
comment on column dwh.mrr_change_fact.trial_after_minor is 'What of it is in a trial from then on.';
comment on column dwh.mrr_change_fact.event_id is
'The event that told of the change; null for what was listed, reconstructed, or happened by itself.';
comment on column dwh.mrr_change_fact.is_reconstructed is
'Whether the change lies before Stripe first showed the subscription or the item, and was told from dates and invoice '
'lines.';

insert into ops.policy (name, value, description)
values
(
    'mrr_statuses',
    'active,past_due',
    'Statuses of subscriptions that count as MRR, separated by commas.'
),
(
    'paused_counts',
    'no',
    'yes: what is paused is MRR. no: it is a bucket of its own, outside MRR, and not churn until it is canceled.'
),
(
    'churn_moment',
    'access_end',
    'access_end: a subscription counts until it ends. cancel_request: until its cancellation is asked for.'
),
(
    'subtract_repeating',
    'no',
    'yes: discounts that last for some months are subtracted from MRR while they last. no: they are not.'
),
(
    'subtract_once',
    'no',
    'yes: discounts for one invoice are subtracted from MRR as long as the subscription shows them. no: they are not.'
),
(
    'churn_denominator',
    'opening_plus_new',
    'What churned subscribers are divided by. opening_plus_new: those active as the month began and those who began in '
    'it, as Stripe does. opening: the former only.'
),
(
    'gross_margin',
    '1',
    'Share (0 to 1) of revenue that is left after what it costs to serve a customer: lifetime value is times this.'
);
alter table ops.policy add constraint policy_mrr_known check (
    case name
        when 'paused_counts' then value in ('yes', 'no')
        when 'gross_margin' then value::numeric between 0 and 1
        when 'churn_denominator' then value in ('opening_plus_new', 'opening')
        when 'churn_moment' then value in ('access_end', 'cancel_request')
        when 'subtract_repeating' then value in ('yes', 'no')
        when 'subtract_once' then value in ('yes', 'no')
        when 'mrr_statuses'
            then
                string_to_array(value, ',')
                <@ '{trialing,active,past_due,paused,unpaid,canceled,incomplete,incomplete_expired}'
        else true
    end
);

-- A choice that changes what counts makes the ledger anew, with the next load.
create function ops.renew_mrr() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from ops.batch_applied where model = 'mrr_change_fact';
    return null;
end
$$;
comment on function ops.renew_mrr() is
'Makes every batch pending for mrr_change_fact: the next load rebuilds it whole.';
create trigger policy_renews_mrr
after update of value on ops.policy
for each row
when (
    old.value is distinct from new.value
    and new.name in (
        'mrr_statuses', 'paused_counts', 'churn_moment', 'subtract_repeating', 'subtract_once', 'reporting_timezone'
    )
)
execute function ops.renew_mrr();

/* What of a model's work another model has to follow. */
create table ops.changed_customer (
    model text not null,
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    primary key (model, account_id, livemode, customer_id)
);
comment on table ops.changed_customer is
'Grain: one row per customer whose rows a model has made anew, until the model after it has followed.';
comment on column ops.changed_customer.model is 'Model that made them anew, as in ops.batch_applied.';
comment on column ops.changed_customer.account_id is 'Stripe account (acct_...).';
comment on column ops.changed_customer.livemode is 'False for test data.';
comment on column ops.changed_customer.customer_id is 'Stripe id (cus_...).';

/* What became of the MRR of each customer, day by day. */
create table dwh.mrr_movement_fact (
    account_id text not null,
    livemode boolean not null,
    customer_id text not null,
    currency text not null,
    day date not null,
    movement text,
    movement_minor numeric not null,
    paused_minor numeric not null,
    opening_mrr_minor numeric not null,
    closing_mrr_minor numeric not null,
    closing_held_minor numeric not null,
    first_paying_day date,
    primary key (account_id, livemode, customer_id, currency, day)
);
comment on table dwh.mrr_movement_fact is
'Grain: one row per customer, currency and day on which the MRR of the customer changed, or what is paused of it. '
'closing MRR = opening MRR + movement - paused; the movements of a month and of a cohort are sums over it.';
comment on column dwh.mrr_movement_fact.account_id is 'Stripe account (acct_...).';
comment on column dwh.mrr_movement_fact.livemode is 'False for test data.';
comment on column dwh.mrr_movement_fact.customer_id is 'Stripe id (cus_...).';
comment on column dwh.mrr_movement_fact.currency is 'Currency, ISO 4217, lower case.';
comment on column dwh.mrr_movement_fact.day is 'Day in the reporting time zone (policy reporting_timezone).';
comment on column dwh.mrr_movement_fact.movement is
'new: first MRR ever; reactivation: MRR again after none; expansion: more than before; contraction: less, but some; '
'churn: none any more; null where only pauses moved. What is paused or in a free period is not lost.';
comment on column dwh.mrr_movement_fact.movement_minor is 'Amount of the movement with its sign, minor units.';
comment on column dwh.mrr_movement_fact.paused_minor is
'What moved from MRR into pauses and free periods, minor units; negative for what left them, back to MRR or for good.';
comment on column dwh.mrr_movement_fact.opening_mrr_minor is 'MRR as the day begins, minor units.';
comment on column dwh.mrr_movement_fact.closing_mrr_minor is 'MRR as the day ends, minor units.';
comment on column dwh.mrr_movement_fact.closing_held_minor is
'What was MRR and is paused or free as the day ends, minor units: held, not lost. Who has some of it is a subscriber.';
comment on column dwh.mrr_movement_fact.first_paying_day is
'First day at whose end the customer had MRR in this currency: its month is the cohort. Null while there is none.';
