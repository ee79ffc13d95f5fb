/* Report: how much of the money spent on ads in a month came back, through the users who installed in it?
   Parameters, in asked: the month of spend and install, its first day.
   Sources: mart.acquisition_payback. Amounts in minor units, per currency; share 1 is all of it. */
with asked as (
    select date '2026-01-01' as install_month
),

by_channel as (
    select
        payback.livemode,
        payback.currency,
        payback.channel_name,
        max(payback.users) as users,
        max(payback.spend_minor) as spend_minor,
        sum(payback.revenue_minor) as recovered_minor,
        max(payback.payback_month) as payback_month
    from mart.acquisition_payback as payback
    inner join asked on payback.install_month = asked.install_month
    group by payback.livemode, payback.currency, payback.channel_name
    having max(payback.spend_minor) > 0
)

-- the last row of each currency is the sum of its channels
select
    livemode,
    currency,
    coalesce(channel_name, 'all channels') as channel_name,
    sum(users) as users,
    sum(spend_minor) as spend_minor,
    sum(recovered_minor) as recovered_minor,
    round(sum(recovered_minor) / sum(spend_minor), 4) as recovered_share,
    case when grouping(channel_name) = 0 then max(payback_month) end as payback_month
from by_channel
group by grouping sets ((livemode, currency, channel_name), (livemode, currency))
order by livemode desc, currency asc, grouping(channel_name) asc, spend_minor desc
