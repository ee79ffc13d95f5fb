"""The front door: plan windows of events; stage them, and slices of lists, each as one committed batch."""

import logging
import time
from contextlib import closing
from datetime import datetime, timedelta

import psycopg

from tallyhouse import gaps, ledger, plans
from tallyhouse.client import Account, StripeClient
from tallyhouse.connected import connected_accounts
from tallyhouse.errors import RejectedRowsError
from tallyhouse.event_staging import EventStager
from tallyhouse.object_staging import ObjectStager
from tallyhouse.objects import StripeObject
from tallyhouse.pages import EventReader, ObjectReader
from tallyhouse.report import BatchReport, Tally
from tallyhouse.slices import find_listed
from tallyhouse.windows import RETENTION, RETENTION_MARGIN, Window, plan_since

log = logging.getLogger(__name__)


def plan_events(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    *,
    run_id: str | None = None,
    lag: timedelta,
    overlap: timedelta,
    max_window: timedelta,
    retention: timedelta = RETENTION,
    margin: timedelta = RETENTION_MARGIN,
) -> list[Window]:
    """The windows of events to read now, oldest first; none if nothing new can be read yet.

    The first plan of an account sets its watermark to the oldest second that Stripe still keeps. A watermark
    older than that is a gap: it is recorded in ops.gap, the watermark moves to its end in the same
    transaction, and the log says so at level ERROR; lists must close it (see tallyhouse.gaps). So is that of a
    connected account of which the first event came after such a gap. The windows are
    the plan of `run_id` in ops.planned_batch, if there is one.
    """
    ledger.require_idle(conn)
    now = client.server_time()
    with conn.transaction():
        ledger.lock_stream(conn, account, ledger.EVENTS)
        # A plan of which nothing was ever read counts as none: a first plan would not miss what it misses.
        is_first = not ledger.has_batches(conn, account)
        watermark = None if is_first else ledger.read_watermark(conn, account)
        plan = plan_since(
            watermark,
            now,
            lag=lag,
            overlap=overlap,
            max_window=max_window,
            retention=retention,
            margin=margin,
        )
        connected = connected_accounts(conn, account)
        # those that have shown themselves since
        for gap in gaps.record_connected(conn, account, connected):
            log.error("GAP of an account that is connected to %s: %s", account.account_id, gap)
        if plan.gap is not None:
            # What happened on connected accounts is lost with it.
            for owner in (account, *connected):
                gaps.record_expired(
                    conn,
                    owner,
                    plan.gap,
                    f"nothing was read from {plan.gap.start.isoformat()} on until {now.isoformat()}; "
                    f"Stripe keeps events for {retention.days} days",
                )
            ledger.raise_watermark(conn, account, plan.gap.end)
        elif is_first and plan.windows:
            # Before the first batch, so that windows may commit in any order and a hole still holds it back.
            ledger.raise_watermark(conn, account, plan.windows[0].start)
        if run_id is not None:
            plans.write_windows(conn, account, run_id, plan.windows)
    if plan.gap is not None:
        log.error(
            "GAP: the events of %s created %s were never read, and Stripe no longer keeps them. It is "
            "recorded in ops.gap; a run of stripe_backfill for all objects will close it. Reading goes on from %s.",
            account.account_id,
            plan.gap,
            plan.gap.end.isoformat(),
        )
    return list(plan.windows)


def stage_events(
    conn: psycopg.Connection, client: StripeClient, account: Account, window: Window, run_id: str
) -> BatchReport:
    """Reads one window of events and commits it as one batch, with the watermark; all of it or nothing.

    A second run of the same window waits for the first, and then finds duplicates. Rows that cannot be staged
    are kept in raw.rejected; `report_rejects` tells of them, when everything else is in.
    """
    ledger.require_idle(conn)
    began = time.monotonic()
    # Apart, and short: creating a partition locks out readers of the table.
    with conn.transaction():
        conn.execute("select ops.ensure_event_partitions(%s, %s)", [window.start, window.end])
    reader = EventReader(window)
    tally = Tally()
    with conn.transaction():
        ledger.lock_stream(conn, account, ledger.EVENTS)
        watermark = ledger.read_watermark(conn, account)
        batch_id = ledger.open_batch(conn, account, ledger.EVENTS, None, window, run_id)
        stager = EventStager(conn, account, batch_id, int(watermark.timestamp()) if watermark else None, tally)
        with closing(client.pages("/v1/events", window.created_params, reader)) as pages:
            for page in pages:
                stager.add(page)
        stager.flush()
        unknown = reader.unknown.as_dict()
        ledger.close_batch(conn, batch_id, tally, unknown)
        through = ledger.advance_watermark(conn, account, window)
    return _report(account, ledger.EVENTS, None, window, batch_id, tally, unknown, time.monotonic() - began, through)


def stage_list(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    object_name: str,
    window: Window,
    run_id: str,
    scope: str | None = None,
) -> BatchReport:
    """Lists the objects created in a window and commits them as one batch; see Slice for `scope`.

    A slice that the same `run_id` has committed is skipped, so that a backfill goes on where it stopped.
    """
    ledger.require_idle(conn)
    began = time.monotonic()
    item = find_listed(object_name)
    with conn.transaction():
        ledger.lock_stream(conn, account, f"{ledger.list_stream(item.name)} {window} {scope or ''}")
        done = ledger.find_list_batch(conn, account, item.name, window, run_id, scope)
        if done is not None:
            return done
        batch_id, tally, unknown = _list_objects(conn, client, account, item, "list", window, run_id, scope)
    seconds = time.monotonic() - began
    return _report(account, "list", item.name, window, batch_id, tally, unknown, seconds, None, scope)


def stage_polled(
    conn: psycopg.Connection, client: StripeClient, account: Account, item: StripeObject, window: Window, run_id: str
) -> BatchReport:
    """Lists the objects created in a window and commits them as one batch, with the watermark of their stream."""
    ledger.require_idle(conn)
    began = time.monotonic()
    stream = ledger.list_stream(item.name)
    with conn.transaction():
        ledger.lock_stream(conn, account, stream)
        batch_id, tally, unknown = _list_objects(conn, client, account, item, stream, window, run_id, None)
        through = ledger.advance_watermark(conn, account, window, stream)
    return _report(account, stream, item.name, window, batch_id, tally, unknown, time.monotonic() - began, through)


def _list_objects(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    item: StripeObject,
    source: str,
    window: Window,
    run_id: str,
    scope: str | None,
) -> tuple[int, Tally, dict[str, dict[str, int]]]:
    """Lists objects into a new batch, inside the caller's transaction: its id, what came, what was unknown."""
    if scope is None:
        reader, asked = ObjectReader(window), {**item.params, **window.created_params}
    else:
        name, _, value = scope.partition("=")
        reader, asked = ObjectReader(), {**item.params, name: value}
    tally = Tally()
    batch_id = ledger.open_batch(conn, account, source, item.name, window, run_id, scope)
    stager = ObjectStager(conn, account, ledger.list_stream(item.name), batch_id, tally)
    with closing(client.pages(item.endpoint, asked, reader)) as pages:
        for page in pages:
            stager.add(page)
    stager.flush()
    unknown = reader.unknown.as_dict()
    ledger.close_batch(conn, batch_id, tally, unknown)
    return batch_id, tally, unknown


def report_rejects(conn: psycopg.Connection) -> None:
    """Raises RejectedRowsError when there are rows in raw.rejected that were not reported; marks them first.

    Read from the warehouse, whichever run brought them: a run that failed otherwise leaves them to the next.
    """
    ledger.require_idle(conn)
    with conn.transaction():
        rejects = ledger.claim_rejects(conn)
    if rejects:
        raise RejectedRowsError(rejects)


def _report(
    account: Account,
    source: str,
    object_type: str | None,
    window: Window,
    batch_id: int,
    tally: Tally,
    unknown: dict[str, dict[str, int]],
    seconds: float,
    watermark: datetime | None,
    scope: str | None = None,
) -> BatchReport:
    report = BatchReport(
        batch_id=batch_id,
        account_id=account.account_id,
        livemode=account.livemode,
        source=source,
        object_type=object_type,
        asked_from=window.start.isoformat(),
        asked_to=window.end.isoformat(),
        row_count=tally.rows,
        new_count=tally.new,
        duplicate_count=tally.duplicates,
        late_count=tally.late,
        rejected_count=tally.rejected,
        byte_count=tally.byte_count,
        call_count=tally.calls,
        throttled_count=tally.throttled,
        seconds=round(seconds, 3),
        unknown=unknown,
        rejected=[[row_key, reason] for row_key, reason in tally.reject_sample],
        scope=scope,
        watermark=watermark.isoformat() if watermark else None,
    )
    log.info("%s", report.describe())
    return report
