/* Grain: one row per customer, currency and day on which MRR changed. New, expansion, contraction, churn, ... */
select ops.begin_model('mrr_movement_fact', upstream => '{mrr_change_fact}');

create temp table affected on commit drop as
with followed as (
    delete from ops.changed_customer
    where model = ops.ledger_name('mrr_change_fact')
    returning account_id, livemode, customer_id
)

select * from followed;
analyze affected;

create temp table incoming on commit drop as
with changed as (
    select
        change.account_id,
        change.livemode,
        change.customer_id,
        change.subscription_id,
        change.currency,
        (change.changed_at at time zone (select ops.choice('reporting_timezone')))::date as day,
        sum(change.mrr_change_minor) as mrr_change_minor,
        sum(change.paused_change_minor + change.trial_change_minor) as potential_change_minor
    from affected
    inner join dwh.mrr_change_fact as change using (account_id, livemode, customer_id)
    -- what tells rows apart comes first: most comparisons of the sort end with it
    group by change.customer_id, change.subscription_id, change.account_id, change.livemode, change.currency, day
),

worth as (
    select
        *,
        sum(mrr_change_minor) over history as mrr_minor,
        sum(potential_change_minor) over history as potential_minor,
        -- only what was MRR can be held: no trial of who never paid, nor of a second plan
        least(greatest(-mrr_change_minor, 0), greatest(potential_change_minor, 0)) as parked_minor
    from changed
    window history as (partition by customer_id, subscription_id, account_id, livemode, currency order by day)
),

-- What a subscription was worth that ended goes on in another that begins on the day, free at first; but for what other
-- subscriptions grew by.
lost as (
    select
        *,
        case
            when mrr_minor = mrr_change_minor and potential_minor = potential_change_minor then potential_minor
            else 0
        end as begun_minor,
        least(
            sum(
                case when mrr_minor = 0 and potential_minor = 0 then greatest(-mrr_change_minor, 0) else 0 end
            ) over whole,
            greatest(-sum(mrr_change_minor + parked_minor) over whole, 0)
        ) as ended_minor
    from worth
    window whole as (partition by customer_id, day, account_id, livemode, currency)
),

moved as (
    select
        *,
        parked_minor + least(
            begun_minor,
            greatest(
                ended_minor - coalesce(sum(begun_minor) over (
                    partition by customer_id, day, account_id, livemode, currency
                    order by subscription_id collate "C"
                    rows between unbounded preceding and 1 preceding
                ), 0), 0
            )
        ) as moved_minor
    from lost
),

held as (
    select
        *,
        ops.held(potential_minor, moved_minor) over (
            partition by customer_id, subscription_id, account_id, livemode, currency order by day
        ) as held_minor
    from moved
),

kept as (
    select
        *,
        held_minor - lag(held_minor, 1, 0::numeric) over (
            partition by customer_id, subscription_id, account_id, livemode, currency order by day
        ) as held_change_minor
    from held
),

daily as (
    select
        account_id,
        livemode,
        customer_id,
        currency,
        day,
        sum(mrr_change_minor) as mrr_change_minor,
        sum(held_change_minor) as held_change_minor,
        jsonb_object_agg(subscription_id, held_change_minor) filter (where held_change_minor <> 0) as held_change_of
    from kept
    group by customer_id, account_id, livemode, currency, day
),

summed as (
    select
        *,
        sum(mrr_change_minor) over history as closing_mrr_minor,
        sum(held_change_minor) over history as closing_held_minor
    from daily
    window history as (partition by customer_id, account_id, livemode, currency order by day)
),

compared as (
    select
        *,
        closing_mrr_minor + closing_held_minor as kept_minor,
        closing_mrr_minor + closing_held_minor - mrr_change_minor - held_change_minor as kept_before_minor,
        min(day) filter (where closing_mrr_minor > 0) over (
            partition by customer_id, account_id, livemode, currency
        ) as first_paying_day
    from summed
),

final as (
    select
        account_id,
        livemode,
        customer_id,
        currency,
        day,
        case
            when kept_minor = kept_before_minor then null
            when kept_before_minor = 0 and first_paying_day < day then 'reactivation'
            when kept_before_minor = 0 then 'new'
            when kept_minor = 0 then 'churn'
            when kept_minor > kept_before_minor then 'expansion'
            else 'contraction'
        end as movement,
        kept_minor - kept_before_minor as movement_minor,
        held_change_minor,
        held_change_of,
        closing_mrr_minor - mrr_change_minor as opening_mrr_minor,
        closing_mrr_minor,
        closing_held_minor,
        first_paying_day
    from compared
    where mrr_change_minor <> 0 or held_change_of is not null
)

select * from final;

delete from dwh.mrr_movement_fact
using affected
where
    dwh.mrr_movement_fact.account_id = affected.account_id
    and dwh.mrr_movement_fact.livemode = affected.livemode
    and dwh.mrr_movement_fact.customer_id = affected.customer_id;

insert into dwh.mrr_movement_fact (
    account_id, livemode, customer_id, currency, day, movement, movement_minor, held_change_minor, held_change_of,
    opening_mrr_minor, closing_mrr_minor, closing_held_minor, first_paying_day
)
select
    account_id, livemode, customer_id, currency, day, movement, movement_minor, held_change_minor, held_change_of,
    opening_mrr_minor, closing_mrr_minor, closing_held_minor, first_paying_day
from incoming;

select ops.end_model((select count(*) from affected), (select count(*) from incoming));
