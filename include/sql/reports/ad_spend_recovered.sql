/* Report: how much of the money spent on ads in a month came back, through the users who installed in it?
   Parameters, in asked: the month of spend and install, its first day.
   Sources: mart.acquisition_payback. Amounts in minor units, per currency; share 1 is all of it. What came back in
   another currency than was spent counts in the rows of all currencies, whose amounts are of the reporting currency,
   null while one of them has no exchange rate. */
with asked as (
    select date '2026-01-01' as install_month
),

by_currency as (
    select
        payback.livemode,
        payback.currency,
        payback.channel_name,
        max(payback.users) as users,
        max(payback.spend_minor) as spend_minor,
        sum(payback.revenue_minor) as recovered_minor,
        max(payback.payback_month) as payback_month,
        max(payback.spend_reporting_minor) as spend_reporting_minor,
        dwh.whole_sum(payback.revenue_reporting_minor) as recovered_reporting_minor,
        max(payback.all_currencies_payback_month) as all_currencies_payback_month
    from mart.acquisition_payback as payback
    inner join asked on payback.install_month = asked.install_month
    group by payback.livemode, payback.currency, payback.channel_name
),

by_channel as (
    select livemode, 1 as place, currency, channel_name, users, spend_minor, recovered_minor, payback_month
    from by_currency
    where spend_minor > 0
    union all
    select
        livemode,
        2,
        'all currencies',
        channel_name,
        max(users),
        dwh.whole_sum(spend_reporting_minor),
        dwh.whole_sum(recovered_reporting_minor),
        max(all_currencies_payback_month)
    from by_currency
    group by livemode, channel_name
    having max(spend_minor) > 0
)

-- the last row of each currency is the sum of its channels
select
    livemode,
    currency,
    coalesce(channel_name, 'all channels') as channel_name,
    sum(users) as users,
    dwh.whole_sum(spend_minor) as spend_minor,
    dwh.whole_sum(recovered_minor) as recovered_minor,
    round(dwh.whole_sum(recovered_minor) / nullif(dwh.whole_sum(spend_minor), 0), 4) as recovered_share,
    case when grouping(channel_name) = 0 then max(payback_month) end as payback_month
from by_channel
group by grouping sets ((livemode, place, currency, channel_name), (livemode, place, currency))
order by livemode desc, place asc, currency asc, grouping(channel_name) asc, sum(spend_minor) desc, channel_name asc
