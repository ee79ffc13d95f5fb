/* Report: is a user a subscriber at a moment, and to what?
   Parameters, in asked: the user's id in the app, and the moment.
   Sources: the functions dwh.is_subscribed and dwh.subscribed_at. One row per item that the user was subscribed to.
   Trials, pauses and free plans are shown, and do not count as is_subscribed; a single row without an item if there
   was none. */
with asked as (
    select 'user_0000001' as user_id, timestamptz '2026-01-31 12:00:00+00' as at
)

select
    asked.user_id,
    asked.at,
    dwh.is_subscribed(asked.user_id, asked.at) as is_subscribed,
    held.livemode,
    held.customer_id,
    held.subscription_id,
    held.status,
    held.is_paused,
    held.is_paying,
    held.price_id,
    held.product_id,
    held.quantity,
    held.currency,
    held.mrr_minor
from asked
left join dwh.subscribed_at(asked.at) as held on asked.user_id = held.user_id
order by held.livemode desc, held.customer_id asc, held.subscription_id asc, held.price_id asc
