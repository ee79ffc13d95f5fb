"""Accounts that are connected to a key's own: their events come with its events, and it may read in their name."""

import psycopg

from tallyhouse.client import Account, StripeClient
from tallyhouse.ledger import EVENTS

# The accounts of all events, by leaps through the key of the table: they are few, and events many.
_CONNECTED = """
with recursive known as (
    (select account_id from raw.event order by account_id limit 1)
    union all
    select (
        select event.account_id from raw.event as event
        where event.account_id > known.account_id order by event.account_id limit 1
    )
    from known
    where known.account_id is not null
)
select known.account_id
from known
where
    known.account_id <> %(key)s
    and not exists (
        select from ops.watermark as own
        where own.account_id = known.account_id and own.livemode = %(livemode)s and own.stream = %(stream)s
    )
    and exists (
        select from raw.event as event
        inner join ops.batch as batch on event.batch_id = batch.batch_id
        where event.account_id = known.account_id and event.livemode = %(livemode)s
            and coalesce(batch.requested_via, batch.account_id) = %(key)s
    )
order by known.account_id
"""


def connected_accounts(conn: psycopg.Connection, account: Account) -> list[Account]:
    """The accounts whose events reached us through this one's key alone: no connection of their own reads them.

    In a transaction of the caller's, or one of its own.
    """
    with conn.transaction():
        found = conn.execute(
            _CONNECTED, {"key": account.account_id, "livemode": account.livemode, "stream": EVENTS}
        ).fetchall()
    return [Account(account_id, account.livemode, account.clock, via=account.account_id) for (account_id,) in found]


def client_for(client: StripeClient, account: Account) -> StripeClient:
    """A client of a key's own account, to ask in the name of one that is connected to it."""
    return client if account.via is None else client.acting_for(account.account_id)
