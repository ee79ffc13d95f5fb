"""Lists of which no event tells, read hourly by time of creation: closed windows with a watermark of their own."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg

from tallyhouse import ledger
from tallyhouse.client import Account, StripeClient
from tallyhouse.object_staging import ObjectStager
from tallyhouse.objects import OBJECTS, StripeObject
from tallyhouse.pages import ObjectReader
from tallyhouse.report import Tally
from tallyhouse.windows import RETENTION, RETENTION_MARGIN, Window, plan_windows

log = logging.getLogger(__name__)

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
            new = (new or 0) + _stage(conn, client, account, item, window, run_id)
    return new


def _stream(item: StripeObject) -> str:
    return f"list:{item.name}"


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
    with conn.transaction():
        ledger.lock_stream(conn, account, _stream(item))
        watermark = ledger.read_watermark(conn, account, _stream(item))
        plan = plan_windows(
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
            ledger.raise_watermark(conn, account, plan.windows[0].start, _stream(item))
    return iter(plan.windows)


def _stage(
    conn: psycopg.Connection, client: StripeClient, account: Account, item: StripeObject, window: Window, run_id: str
) -> int:
    source = _stream(item)
    began = time.monotonic()
    reader = ObjectReader(window)
    tally = Tally()
    with conn.transaction():
        ledger.lock_stream(conn, account, source)
        batch_id = ledger.open_batch(conn, account, source, item.name, window, run_id)
        stager = ObjectStager(conn, account, source, batch_id, tally)
        with closing(client.pages(item.endpoint, {**item.params, **window.created_params}, reader)) as pages:
            for page in pages:
                stager.add(page)
        stager.flush()
        ledger.close_batch(conn, batch_id, tally, reader.unknown.as_dict())
        ledger.advance_watermark(conn, account, window, source)
    log.info(
        "%s of %s created %s: batch %d, %d rows, %d calls, %.1f s",
        item.name,
        account.account_id,
        window,
        batch_id,
        tally.rows,
        tally.calls,
        time.monotonic() - began,
    )
    return tally.new
