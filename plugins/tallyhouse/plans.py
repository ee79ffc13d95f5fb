"""What a run means to read, in ops.planned_batch: written once, worked off batch by batch, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from math import ceil
from typing import Any

import psycopg

from tallyhouse.client import Account
from tallyhouse.rows import only_value
from tallyhouse.slices import Slice
from tallyhouse.windows import Window

LIST = "list"
UNLISTED = "unlisted"
"""Sources of planned batches: slices of lists, and kinds of which what no list showed is asked for after that."""


def write_windows(conn: psycopg.Connection, account: Account, run_id: str, windows: Sequence[Window]) -> None:
    """Writes down the windows of events that a run means to read, inside the caller's transaction.

    A plan that the same run made before, of which nothing is read yet, is replaced.
    """
    conn.execute(
        "delete from ops.planned_batch where run_id = %s and account_id = %s and livemode = %s "
        "and source = 'events' and batch_id is null",
        [run_id, account.account_id, account.livemode],
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.planned_batch (run_id, account_id, livemode, source, asked_from, asked_to) "
            "values (%s, %s, %s, 'events', %s, %s) on conflict do nothing",
            [[run_id, account.account_id, account.livemode, window.start, window.end] for window in windows],
        )


def write_slices(
    conn: psycopg.Connection,
    account: Account,
    run_id: str,
    shares: Sequence[Sequence[Slice]],
    refused: Sequence[tuple[Slice, str]],
    *,
    unlisted: Sequence[Slice] = (),
    is_everything: bool,
) -> None:
    """Writes down the slices that a run means to list, by share, and those that the key may not (with the reason).

    `unlisted`: the kinds of which it will ask for what no list showed. A plan that the same run made before, of which
    nothing is read yet, is replaced.
    """
    planned = [
        *((LIST, piece, share, piece.estimated_calls, None) for share, pieces in enumerate(shares) for piece in pieces),
        *((LIST, piece, 0, 0, reason) for piece, reason in refused),
        *((UNLISTED, piece, 0, None, None) for piece in unlisted),
    ]
    rows: list[list[Any]] = [
        [
            run_id,
            account.account_id,
            account.livemode,
            source,
            piece.scope,
            piece.object_name,
            piece.window.start,
            piece.window.end,
            share,
            calls,
            reason,
            reason is not None,
            is_everything,
        ]
        for source, piece, share, calls, reason in planned
    ]
    with conn.transaction():
        conn.execute(
            "delete from ops.planned_batch where run_id = %s and account_id = %s and livemode = %s "
            "and source in ('list', 'unlisted') and batch_id is null",
            [run_id, account.account_id, account.livemode],
        )
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into ops.planned_batch (run_id, account_id, livemode, source, scope, object_type, asked_from, "
                "asked_to, share, estimated_calls, error, is_refused, is_everything) "
                "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                rows,
            )


def pending_slices(conn: psycopg.Connection, account: Account, run_id: str, share: int) -> list[Slice]:
    """The slices of a share that the run has not committed yet, in their order."""
    with conn.transaction():
        found = conn.execute(
            "select object_type, asked_from, asked_to, scope, estimated_calls from ops.planned_batch "
            "where run_id = %s and account_id = %s and livemode = %s and source = 'list' and share = %s "
            "and batch_id is null and not is_refused order by planned_batch_id",
            [run_id, account.account_id, account.livemode, share],
        ).fetchall()
    return [
        Slice(name, Window(start.astimezone(UTC), end.astimezone(UTC)), scope, calls)
        for name, start, end, scope, calls in found
    ]


def pending_unlisted(conn: psycopg.Connection, account: Account, run_id: str) -> list[Slice]:
    """The kinds of which a run has listed everything, but has not asked for what no list showed."""
    with conn.transaction():
        found = conn.execute(
            "select p.object_type, p.asked_from, p.asked_to from ops.planned_batch as p where p.run_id = %s "
            "and p.account_id = %s and p.livemode = %s and p.source = 'unlisted' and p.batch_id is null "
            "and not p.is_refused and not exists (select from ops.planned_batch as l where l.run_id = p.run_id "
            "and l.account_id = p.account_id and l.livemode = p.livemode and l.source = 'list' "
            "and l.object_type = p.object_type and l.batch_id is null and not l.is_refused) "
            "order by p.planned_batch_id",
            [run_id, account.account_id, account.livemode],
        ).fetchall()
    return [Slice(name, Window(start.astimezone(UTC), end.astimezone(UTC))) for name, start, end in found]


def pending_windows(conn: psycopg.Connection, account: Account, run_id: str, windows: Sequence[Window]) -> list[Window]:
    """Of these windows of events those that the run has not committed yet."""
    with conn.transaction():
        done = conn.execute(
            "select asked_from, asked_to from ops.planned_batch where run_id = %s and account_id = %s "
            "and livemode = %s and source = 'events' and batch_id is not null",
            [run_id, account.account_id, account.livemode],
        ).fetchall()
    return [window for window in windows if (window.start, window.end) not in set(done)]


def mark_done(conn: psycopg.Connection, batch_id: int) -> None:
    """Takes a batch off its run's plan, in the transaction that commits it; a batch that nobody planned is none."""
    conn.execute(
        "update ops.planned_batch as p set batch_id = b.batch_id, error = null from ops.batch as b "
        "where b.batch_id = %s and p.run_id = b.run_id and p.account_id = b.account_id and p.livemode = b.livemode "
        "and p.source = b.source and p.object_type is not distinct from b.object_type "
        "and p.scope is not distinct from b.scope and p.asked_from = b.asked_from and p.asked_to = b.asked_to",
        [batch_id],
    )


def keep_error(
    conn: psycopg.Connection,
    account: Account,
    run_id: str,
    object_name: str | None,
    window: Window | None,
    error: BaseException,
    *,
    is_refused: bool = False,
) -> None:
    """Writes beside what is left of a plan why: of one kind (None: events), in one window or (None) in all."""
    with conn.transaction():
        conn.execute(
            "update ops.planned_batch set error = %s, is_refused = is_refused or %s where run_id = %s "
            "and account_id = %s and livemode = %s and object_type is not distinct from %s and batch_id is null "
            "and (%s::timestamptz is null or (asked_from = %s and asked_to = %s))",
            [
                f"{type(error).__name__}: {error}",
                is_refused,
                run_id,
                account.account_id,
                account.livemode,
                object_name,
                *([window.start, window.start, window.end] if window else [None, None, None]),
            ],
        )


def drop_slice(conn: psycopg.Connection, account: Account, run_id: str, piece: Slice) -> None:
    """Takes a slice off a run's plan of which there is nothing to list any more."""
    with conn.transaction():
        conn.execute(
            "delete from ops.planned_batch where run_id = %s and account_id = %s and livemode = %s and source = 'list' "
            "and object_type = %s and scope is not distinct from %s and asked_from = %s and asked_to = %s "
            "and batch_id is null",
            [
                run_id,
                account.account_id,
                account.livemode,
                piece.object_name,
                piece.scope,
                piece.window.start,
                piece.window.end,
            ],
        )


def refused_kinds(conn: psycopg.Connection, run_id: str) -> list[tuple[str, str, str]]:
    """(account_id, kind, reason) of what the keys may not list, of a run."""
    with conn.transaction():
        return conn.execute(
            "select distinct on (account_id, object_type, scope) account_id, object_type, error "
            "from ops.planned_batch where run_id = %s and is_refused order by account_id, object_type, scope",
            [run_id],
        ).fetchall()


def has_committed(conn: psycopg.Connection, run_id: str) -> bool:
    """Whether a run has committed any batch."""
    with conn.transaction():
        has_any: bool = only_value(conn, "select exists (select from ops.batch where run_id = %s)", [run_id])
        return has_any


@dataclass(frozen=True)
class Progress:
    """How far a run is with one account: batches and rows in, requests made, and seconds left, if they can be told."""

    done: int
    planned: int
    calls: int
    rows: int
    throttled: int
    calls_per_second: float | None
    seconds_left: float | None

    def describe(self, noun: str) -> str:
        """One line for a log or a label; `noun` says what the batches are."""
        parts = [f"{self.done:,} of {self.planned:,} {noun}", f"{self.calls:,} pages", f"{self.rows:,} rows"]
        if self.throttled:
            parts.append(f"{self.throttled:,} throttled")
        if self.calls_per_second is not None:
            parts.append(f"{self.calls_per_second:.1f} requests/s")
        if self.done < self.planned:
            left = "unknown" if self.seconds_left is None else str(timedelta(seconds=max(1, ceil(self.seconds_left))))
            parts.append(f"time left {left}")
        return ", ".join(parts)


def read_progress(conn: psycopg.Connection, account: Account, run_id: str, source: str) -> Progress:
    """How far a run is, over all of its tasks, from ops.plan_progress."""
    with conn.transaction():
        row = conn.execute(
            "select done_batches, planned_batches, call_count, row_count, throttled_count, calls_per_second, "
            "extract(epoch from time_left)::float8 from ops.plan_progress "
            "where run_id = %s and account_id = %s and livemode = %s and source = %s",
            [run_id, account.account_id, account.livemode, source],
        ).fetchone()
    return Progress(*row) if row else Progress(0, 0, 0, 0, 0, None, None)
