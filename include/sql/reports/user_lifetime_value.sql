/* Report: what is the lifetime value of a user: what has one paid, when, and what is to be expected next month?
   Parameters, in asked: the user's id in the app.
   Sources: dwh.user_dim, mart.customer_lifetime_value. Amounts in minor units, per currency, of all customers that the
   user is. */
with asked as (
    select 'user_0000001' as user_id
)

select
    known.user_id,
    paid.livemode,
    paid.currency,
    sum(paid.payments) as payments,
    sum(paid.revenue_minor) as revenue_minor,
    sum(paid.refunded_minor) as refunded_minor,
    sum(paid.disputed_minor) as disputed_minor,
    sum(paid.net_minor) as net_minor,
    sum(paid.margin_minor) as lifetime_value_minor,
    sum(paid.expected_spend_next_month_minor) as expected_spend_next_month_minor,
    min(paid.first_paid_at) as first_paid_at,
    max(paid.last_paid_at) as last_paid_at
from dwh.user_dim as known
inner join asked on known.user_id = asked.user_id
inner join mart.customer_lifetime_value as paid
    on
        known.account_id = paid.account_id
        and known.livemode = paid.livemode
        and known.customer_id = paid.customer_id
group by known.user_id, paid.livemode, paid.currency
order by paid.livemode desc, paid.currency asc
