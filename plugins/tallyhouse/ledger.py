"""The pipeline's own books in ops: batches, watermarks, and the rows set aside in raw.rejected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.pq import TransactionStatus

from tallyhouse import plans
from tallyhouse.client import Account
from tallyhouse.pages import Reject
from tallyhouse.report import BatchReport, Tally
from tallyhouse.rows import only_row, only_value
from tallyhouse.windows import Window

EVENTS = "events"


def list_stream(object_name: str) -> str:
    """The stream of a list, as ops.watermark and raw.rejected name it."""
    return f"list:{object_name}"


def require_idle(conn: psycopg.Connection) -> None:
    """Raises ValueError if a transaction is open: inside it, a batch would not commit."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("the connection has a transaction open: commit it first, since a batch is one of its own")


def lock_stream(conn: psycopg.Connection, account: Account, stream: str) -> None:
    """Waits until no other transaction writes this account's stream; keeps others out until the commit."""
    # A throttled listing leaves the transaction idle for minutes, which some servers end sooner.
    conn.execute("set local idle_in_transaction_session_timeout = 0")
    conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
        [f"tallyhouse {account.account_id} {account.livemode} {stream}"],
    )


def read_watermark(conn: psycopg.Connection, account: Account, stream: str = EVENTS) -> datetime | None:
    """The end of what was read of a stream; None before the first plan."""
    row = conn.execute(
        "select through from ops.watermark where account_id = %s and livemode = %s and stream = %s",
        [account.account_id, account.livemode, stream],
    ).fetchone()
    return row[0] if row else None


def has_batches(conn: psycopg.Connection, account: Account) -> bool:
    """Whether any window of events was ever committed."""
    has_any: bool = only_value(
        conn,
        "select exists (select from ops.batch where account_id = %s and livemode = %s and source = %s)",
        [account.account_id, account.livemode, EVENTS],
    )
    return has_any


def raise_watermark(conn: psycopg.Connection, account: Account, through: datetime, stream: str = EVENTS) -> None:
    """Sets the watermark of a stream, unless it is there and farther already."""
    conn.execute(
        "insert into ops.watermark as w (account_id, livemode, stream, through) values (%s, %s, %s, %s) "
        "on conflict (account_id, livemode, stream) do update "
        "set through = excluded.through, moved_at = clock_timestamp() where w.through < excluded.through",
        [account.account_id, account.livemode, stream, through],
    )


@dataclass(frozen=True)
class Reserved:
    """The id of a batch that is to be opened when all of it is there, and when its work began."""

    batch_id: int
    started_at: datetime


def reserve_batch(conn: psycopg.Connection) -> Reserved:
    """Takes the id of a batch before it is opened, for work that must not hold a transaction open meanwhile."""
    row = only_row(conn, "select nextval(pg_get_serial_sequence('ops.batch', 'batch_id')), clock_timestamp()")
    return Reserved(*row)


def _owner(account: Account | None) -> list[str | bool | None]:
    """The columns account_id and livemode of a row; a file is of no account."""
    return [account.account_id, account.livemode] if account else [None, None]


def open_batch(
    conn: psycopg.Connection,
    account: Account | None,
    source: str,
    object_type: str | None,
    window: Window | None,
    run_id: str,
    scope: str | None = None,
    reserved: Reserved | None = None,
) -> int:
    """Begins a batch, for its id; it is seen by others when its transaction commits.

    `window` None: of no time. `account` None: of no account, which is a file's.
    """
    batch_id: int = only_value(
        conn,
        "insert into ops.batch (batch_id, account_id, livemode, source, object_type, asked_from, asked_to, run_id, "
        "scope, requested_via, started_at) overriding system value values ("
        "coalesce(%s, nextval(pg_get_serial_sequence('ops.batch', 'batch_id'))), %s, %s, %s, %s, %s, %s, %s, %s, %s, "
        "coalesce(%s, clock_timestamp())) returning batch_id",
        [
            reserved and reserved.batch_id,
            *_owner(account),
            source,
            object_type,
            window.start if window else None,
            window.end if window else None,
            run_id,
            scope,
            account and account.via,
            reserved and reserved.started_at,
        ],
    )
    return batch_id


def drop_batch(conn: psycopg.Connection, batch_id: int) -> None:
    """Takes back a batch that brought nothing, in the transaction that opened it."""
    conn.execute("delete from ops.batch where batch_id = %s", [batch_id])


def close_batch(conn: psycopg.Connection, batch_id: int, tally: Tally, unknown: dict[str, dict[str, int]]) -> None:
    """Writes what the batch brought, and takes it off its run's plan.

    What it brought of erased customers is redacted first: rows of every source end here before anybody sees them.
    """
    conn.execute("select ops.erase_arrived(%s)", [batch_id])
    conn.execute(
        "update ops.batch set row_count = %s, new_count = %s, duplicate_count = %s, late_count = %s, "
        "rejected_count = %s, byte_count = %s, call_count = %s, throttled_count = %s, unknown = %s, "
        "committed_at = clock_timestamp() where batch_id = %s",
        [
            tally.rows,
            tally.new,
            tally.duplicates,
            tally.late,
            tally.rejected,
            tally.byte_count,
            tally.calls,
            tally.throttled,
            json.dumps(unknown),
            batch_id,
        ],
    )
    plans.mark_done(conn, batch_id)


def read_stretches(conn: psycopg.Connection, batch_id: int) -> list[tuple[int, int]]:
    """The stretches [from, to) of a batch's window that other batches of its account's events have read before.

    In seconds since 1970; stretches that meet are one.
    """
    return conn.execute(
        "select extract(epoch from lower(stretch))::bigint, extract(epoch from upper(stretch))::bigint "
        "from (select unnest(range_agg(tstzrange(b.asked_from, b.asked_to))) as stretch "
        "from ops.batch as own inner join ops.batch as b on b.account_id = own.account_id "
        "and b.livemode = own.livemode and b.source = own.source and b.batch_id <> own.batch_id "
        "and b.asked_from < own.asked_to and b.asked_to > own.asked_from where own.batch_id = %s) as r",
        [batch_id],
    ).fetchall()


def advance_watermark(conn: psycopg.Connection, account: Account, window: Window, stream: str = EVENTS) -> datetime:
    """Moves the watermark of a stream as far as committed windows join up; returns it."""
    through: datetime = only_value(
        conn,
        "select ops.advance_watermark(%s, %s, %s, %s)",
        [account.account_id, account.livemode, stream, window.start],
    )
    return through


def keep_rejects(
    conn: psycopg.Connection,
    account: Account | None,
    source: str,
    batch_id: int,
    rejects: Sequence[Reject],
    *,
    commits_first: bool = False,
) -> list[tuple[str, str]]:
    """Keeps rows that cannot be staged; returns (row_key, reason) of those not kept before.

    `commits_first`: they are committed before their batch ends, which empties those of erased people: so this does.
    """
    kept = conn.execute(
        "insert into raw.rejected (account_id, livemode, source, row_key, reason, payload, user_id, batch_id) "
        "select %s, %s, %s, r.row_key, r.reason, r.payload, r.user_id, %s "
        "from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as r (row_key, reason, payload, user_id) "
        "on conflict (account_id, livemode, source, row_key) do nothing returning row_key, reason",
        [
            *_owner(account),
            source,
            batch_id,
            [reject.row_key for reject in rejects],
            [reject.reason for reject in rejects],
            [reject.payload_text for reject in rejects],
            [reject.user_id for reject in rejects],
        ],
    ).fetchall()
    if commits_first:
        conn.execute("select ops.erase_rejects(%s)", [batch_id])
    return kept


def find_list_batch(
    conn: psycopg.Connection, account: Account, object_type: str, window: Window, run_id: str, scope: str | None
) -> BatchReport | None:
    """The batch in which this run has listed this slice already, or None."""
    row = conn.execute(
        "select batch_id, row_count, new_count, duplicate_count, late_count, rejected_count, byte_count, "
        "call_count, throttled_count, extract(epoch from committed_at - started_at)::float8, unknown "
        "from ops.batch where account_id = %s and livemode = %s and source = 'list' and object_type = %s "
        "and scope is not distinct from %s and asked_from = %s and asked_to = %s and run_id = %s",
        [account.account_id, account.livemode, object_type, scope, window.start, window.end, run_id],
    ).fetchone()
    if row is None:
        return None
    return BatchReport(
        batch_id=row[0],
        account_id=account.account_id,
        livemode=account.livemode,
        source="list",
        object_type=object_type,
        asked_from=window.start.isoformat(),
        asked_to=window.end.isoformat(),
        scope=scope,
        row_count=row[1],
        new_count=row[2],
        duplicate_count=row[3],
        late_count=row[4],
        # Reported when it was committed; a skipped slice has rejected nothing.
        rejected_count=0,
        byte_count=row[6],
        call_count=row[7],
        throttled_count=row[8],
        seconds=row[9],
        unknown=row[10],
        rejected=[],
        skipped=True,
    )


def claim_rejects(conn: psycopg.Connection) -> list[tuple[str, str, str]]:
    """(source, row_key, reason) of the rows in raw.rejected not reported yet, oldest first; marks them as reported."""
    return conn.execute(
        "with claimed as (update raw.rejected set reported_at = clock_timestamp() where reported_at is null "
        "returning rejected_id, source, row_key, reason) "
        "select source, row_key, reason from claimed order by rejected_id"
    ).fetchall()
