/* Report: which users installed more than once yesterday?
   Parameters, in asked: the day (by default yesterday, by the session's clock), as a calendar day in UTC.
   Sources: dwh.user_first_install_fact. For days of the reporting time zone see mart.install_duplicate_daily. */
with asked as (
    select current_date - 1 as day
)

select
    install.user_id,
    count(*) as installs,
    count(distinct install.device_id) as devices,
    min(install.installed_at) as first_installed_at,
    max(install.installed_at) as last_installed_at
from dwh.user_first_install_fact as install
inner join asked
    on
        install.date_sk
        = extract(year from asked.day) * 10000 + extract(month from asked.day) * 100 + extract(day from asked.day)
group by install.user_id
having count(*) > 1
order by installs desc, install.user_id asc
