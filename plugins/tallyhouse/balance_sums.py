"""Sums of balance transactions, as Stripe lists them and as the warehouse holds them: cent by cent, day by day."""

import psycopg

from tallyhouse.client import Account
from tallyhouse.differences import UNEXPLAINED, Difference
from tallyhouse.windows import Window

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
    from dwh.balance_transaction_fact as f
    where f.account_id = %s and f.livemode = %s and f.created_at >= %s and f.created_at < %s
    group by 1, 2, 3
)
select currency, day, kind, coalesce(sums_listed.net, 0), coalesce(sums_held.net, 0)
from sums_listed
full join sums_held using (currency, day, kind)
where coalesce(sums_listed.net, 0) <> coalesce(sums_held.net, 0)
order by 1, 2, 3
"""


def differing_sums(
    conn: psycopg.Connection, account: Account, window: Window | None, differences: list[Difference]
) -> list[Difference]:
    """Sums of net by currency, day and type, of what was created in a window, that no differing object explains.

    Reads the temporary table listed of the session's comparison. A window that cuts a day cuts its sums with it.
    """
    if window is None:
        return []
    touched = {difference.object_id for difference in differences}
    explained = set()
    if touched:
        explained = set(
            conn.execute(
                "select m.currency, (m.created_at at time zone 'UTC')::date, m.balance_transaction_type from listed "
                "cross join lateral staging.balance_transaction(listed.payload) as m where object_id = any(%(ids)s) "
                "union "
                "select currency, (created_at at time zone 'UTC')::date, balance_transaction_type "
                "from dwh.balance_transaction_fact where account_id = %(account_id)s and livemode = %(livemode)s "
                "and balance_transaction_id = any(%(ids)s)",
                {"ids": sorted(touched), "account_id": account.account_id, "livemode": account.livemode},
            ).fetchall()
        )
    found = conn.execute(_SUMS, [account.account_id, account.livemode, window.start, window.end]).fetchall()
    return [
        Difference(f"{currency} {day} {kind}", UNEXPLAINED, {"sum_of_net_minor": (int(listed), int(held))}, None)
        for currency, day, kind, listed, held in found
        if (currency, day, kind) not in explained
    ]
