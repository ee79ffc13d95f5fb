"""Which objects have events that are not staged yet: they may well differ from what Stripe lists.

The events after the watermark, and those shortly before it that became visible late, are read once, whoever asks:
ops.change_ahead keeps which objects they were about, and a stream of ops.watermark how far that reaches, so that
whoever asks later reads no more than what came since.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import psycopg

from tallyhouse import ledger
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import TallyhouseError
from tallyhouse.pages import EventReader, EventRow, Reject
from tallyhouse.rows import only_value
from tallyhouse.windows import Window, floor_second

log = logging.getLogger(__name__)

STREAM = "events:ahead"

# Events become visible late (Stripe gives no bound): as much is read again as stripe_events does by default.
OVERLAP = timedelta(minutes=5)
# Objects held before they are written.
CHUNK = 10_000
# Until one who waits for another's reading looks again.
PAUSE_SECONDS = 0.2

_KEEP = """
insert into ops.change_ahead as c (account_id, livemode, object_type, object_id, last_at, event_id)
select %(account_id)s, %(livemode)s, r.object_type, r.object_id, to_timestamp(r.last_at), r.event_id
from unnest(%(types)s::text[], %(ids)s::text[], %(seconds)s::bigint[], %(event_ids)s::text[])
    as r (object_type, object_id, last_at, event_id)
where not exists (
    select from raw.event as staged
    where staged.account_id = %(account_id)s and staged.livemode = %(livemode)s
        and staged.created_at = to_timestamp(r.last_at) and staged.event_id = r.event_id
)
on conflict (account_id, livemode, object_type, object_id) do update
set last_at = excluded.last_at, event_id = excluded.event_id where c.last_at <= excluded.last_at
"""
_CHANGED = """
select ahead.object_id
from ops.change_ahead as ahead
where ahead.account_id = %s and ahead.livemode = %s and ahead.object_type = %s and ahead.last_at >= %s
    and not exists (
        select from raw.event as staged
        where staged.account_id = ahead.account_id and staged.livemode = ahead.livemode
            and staged.created_at = ahead.last_at and staged.event_id = ahead.event_id
    )
"""


def read_ahead(conn: psycopg.Connection, client: StripeClient, account: Account) -> None:
    """Reads the events after the watermark, or where they were read ahead already, what came since, with an overlap.

    Of one account, one at a time: others wait, and then read little. TallyhouseError when no events were read yet;
    errors as of StripeClient.pages.
    """
    ledger.require_idle(conn)
    with _alone(conn, account):
        with conn.transaction():
            through = ledger.read_watermark(conn, account)
            ahead = ledger.read_watermark(conn, account, STREAM)
        if through is None:
            raise TallyhouseError(f"No events of {account.account_id} were read yet: run stripe_events first.")
        start = floor_second((through if ahead is None else max(through, ahead)) - OVERLAP)
        window = Window(start, max(start, floor_second(client.server_time())) + timedelta(days=1))
        read_through: datetime | None = None
        changed: dict[tuple[str, str], tuple[int, str]] = {}
        with closing(client.pages("/v1/events", window.created_params, EventReader(window))) as pages:
            for page in pages:
                # The newest come first: what happens while the rest is read is for the next.
                read_through = read_through or floor_second(page.observed_at)
                for row in page.rows:
                    if isinstance(row, Reject):
                        continue
                    event: EventRow = row  # type: ignore[assignment]  # pages of events hold nothing else
                    if event[5] is not None and event[6] in (None, account.account_id):
                        changed.setdefault((event[4], event[5]), (event[2], event[0]))
                if len(changed) >= CHUNK:
                    _keep(conn, account, changed)
                    changed = {}
        with conn.transaction():
            _keep(conn, account, changed)
            conn.execute(
                "delete from ops.change_ahead where account_id = %s and livemode = %s and last_at < %s",
                [account.account_id, account.livemode, floor_second(through) - OVERLAP],
            )
            if read_through is not None:
                ledger.raise_watermark(conn, account, read_through, STREAM)


def changed_ahead(conn: psycopg.Connection, account: Account, object_name: str, through: datetime) -> set[str]:
    """Objects of one kind with an event that is not staged, as far as that was read.

    `through` is the watermark of the events: the next reading of stripe_events brings those that are not much older.
    """
    found = conn.execute(_CHANGED, [account.account_id, account.livemode, object_name, floor_second(through) - OVERLAP])
    return {object_id for (object_id,) in found}


def _keep(conn: psycopg.Connection, account: Account, changed: dict[tuple[str, str], tuple[int, str]]) -> None:
    with conn.transaction():
        conn.execute(
            _KEEP,
            {
                "account_id": account.account_id,
                "livemode": account.livemode,
                "types": [object_type for object_type, _ in changed],
                "ids": [object_id for _, object_id in changed],
                "seconds": [second for second, _ in changed.values()],
                "event_ids": [event_id for _, event_id in changed.values()],
            },
        )


@contextmanager
def _alone(conn: psycopg.Connection, account: Account) -> Iterator[None]:
    """Keeps other sessions out, without a transaction that is open all the while, or while one waits."""
    name = [f"tallyhouse {account.account_id} {account.livemode} {STREAM}"]
    while not _try_lock(conn, name):
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        with conn.transaction():
            conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _try_lock(conn: psycopg.Connection, name: list[str]) -> bool:
    with conn.transaction():
        is_ours: bool = only_value(conn, "select pg_try_advisory_lock(hashtextextended(%s, 0))", name)
        return is_ours
