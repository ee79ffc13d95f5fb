"""Sums of balance transactions, as Stripe lists them and as the warehouse holds them: cent by cent, day by day."""

import psycopg

from tallyhouse.comparison import UNEXPLAINED, Difference

_SUMS = """
with sums_listed as (
    select
        m.currency,
        (m.created_at at time zone 'UTC')::date as day,
        m.balance_transaction_type as kind,
        sum(m.net_minor) as net
    from listed
    cross join lateral staging.balance_transaction(listed.payload) as m
    where listed.payload -> 'deleted' is null
    group by 1, 2, 3
),
sums_held as (
    select
        f.currency,
        (f.created_at at time zone 'UTC')::date as day,
        f.balance_transaction_type as kind,
        sum(f.net_minor) as net
    from asked
    inner join dwh.balance_transaction_fact as f on asked.account_id = f.account_id and asked.livemode = f.livemode
    where f.created_at >= asked.created_from and f.created_at < asked.created_to
    group by 1, 2, 3
)
select currency, day, kind, coalesce(sums_listed.net, 0), coalesce(sums_held.net, 0)
from sums_listed
full join sums_held using (currency, day, kind)
where coalesce(sums_listed.net, 0) <> coalesce(sums_held.net, 0)
order by 1, 2, 3
"""


def differing_sums(conn: psycopg.Connection, differences: list[Difference]) -> list[Difference]:
    """Sums of net by currency, day and type that the differing objects do not account for.

    Reads the temporary tables listed and asked of the comparison that the open transaction makes.
    """
    touched = {difference.object_id for difference in differences}
    explained = set()
    if touched:
        explained = set(
            conn.execute(
                "select m.currency, (m.created_at at time zone 'UTC')::date, m.balance_transaction_type from listed "
                "cross join lateral staging.balance_transaction(listed.payload) as m where object_id = any(%(ids)s) "
                "union "
                "select currency, (created_at at time zone 'UTC')::date, balance_transaction_type "
                "from dwh.balance_transaction_fact where balance_transaction_id = any(%(ids)s)",
                {"ids": sorted(touched)},
            ).fetchall()
        )
    return [
        Difference(f"{currency} {day} {kind}", UNEXPLAINED, {"sum_of_net_minor": (int(listed), int(held))}, None)
        for currency, day, kind, listed, held in conn.execute(_SUMS).fetchall()
        if (currency, day, kind) not in explained
    ]
