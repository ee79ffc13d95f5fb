"""Lists of which no event tells, read hourly by time of creation: closed windows with a watermark of their own."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg

from tallyhouse import ingest, ledger
from tallyhouse.client import Account, StripeClient
from tallyhouse.objects import OBJECTS, StripeObject
from tallyhouse.windows import RETENTION, RETENTION_MARGIN, Window, plan_since

POLLED: tuple[StripeObject, ...] = tuple(item for item in OBJECTS if item.list_path and not item.has_events)

# Unlike events, such objects never age out: the first poll begins where events do, later ones miss nothing.
_FOR_EVER = timedelta(days=100 * 365)


def poll_lists(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    run_id: str,
    *,
    lag: timedelta,
    overlap: timedelta,
    max_window: timedelta,
) -> int | None:
    """Reads what was created since the last poll of each such list; returns the new rows, None if it is too early.

    Each window is a batch that commits with the watermark of its stream, list:<object>: a run that was killed goes
    on after it. Objects that become visible late are found again by the overlap, or when a document names them.
    """
    ledger.require_idle(conn)
    new: int | None = None
    for item in POLLED:
        for window in _plan(conn, client, account, item, lag, overlap, max_window):
            new = (new or 0) + ingest.stage_polled(conn, client, account, item, window, run_id).new_count
    return new


def _plan(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    item: StripeObject,
    lag: timedelta,
    overlap: timedelta,
    max_window: timedelta,
) -> Iterator[Window]:
    now = client.server_time()
    stream = ledger.list_stream(item.name)
    with conn.transaction():
        ledger.lock_stream(conn, account, stream)
        watermark = ledger.read_watermark(conn, account, stream)
        plan = plan_since(
            watermark,
            now,
            lag=lag,
            overlap=overlap,
            max_window=max_window,
            retention=RETENTION if watermark is None else _FOR_EVER,
            margin=RETENTION_MARGIN,
        )
        if watermark is None and plan.windows:
            # Before the first batch, as for events: what fails is then read by the next run.
            ledger.raise_watermark(conn, account, plan.windows[0].start, stream)
    return iter(plan.windows)
