"""Redacts the raw layer by the list of erased customers, and moves what it redacted into a batch for the models."""

import logging
from collections.abc import Iterable, Sequence

import psycopg

from tallyhouse.ledger import require_idle

log = logging.getLogger(__name__)

SOURCE = "erasure"


def lock(connection: psycopg.Connection) -> None:
    """Keeps batches from ending until this transaction does: each has committed, and is found, or will see the list."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended('ops.erasure', 0))")


def look_again(connection: psycopg.Connection) -> int:
    """Looks through the raw layer for what names objects of erased customers that were not known before.

    A document may come before the one that tells whose it is: a dispute before its charge. Every load begins with
    this; it costs nothing unless something new of an erased customer has come. Returns how many rows were redacted.
    """
    require_idle(connection)
    with connection.transaction():
        if not _pending_owners(connection):
            return 0
        lock(connection)
        # another load may have looked while this one waited
        owners = _pending_owners(connection)
        if not owners:
            return 0
        rows = redact(connection, owners, "load")
    log.info("more of erased customers: %s", ", ".join(f"{table} {number:,}" for table, number in rows.items()))
    return sum(rows.values())


def redact(connection: psycopg.Connection, owners: Sequence[tuple[str, bool]], run_id: str) -> dict[str, int]:
    """Redacts what is on the list and was not yet looked for, as a batch that the models read again; rows by table.

    `owners`: the accounts and modes of these customers; the batch goes by the first, since a batch needs one.
    """
    connection.execute("select ops.remember_erased_users()")
    row = connection.execute(
        "insert into ops.batch (account_id, livemode, source, run_id, started_at) "
        "values (%s, %s, %s, %s, clock_timestamp()) returning batch_id",
        [*owners[0], SOURCE, run_id],
    ).fetchone()
    assert row is not None  # noqa: S101 - for the type checker: an insert returns its row
    rows = sum_rows(
        [
            *connection.execute("select relation, row_count from ops.erase_documents(%s)", [row[0]]).fetchall(),
            *connection.execute("select relation, row_count from ops.erase_installs()").fetchall(),
        ]
    )
    connection.execute(
        "update ops.batch set row_count = %s, committed_at = clock_timestamp() where batch_id = %s",
        [rows["raw.event"] + rows["raw.object"], row[0]],
    )
    return rows


def sum_rows(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts by table, added up."""
    total: dict[str, int] = {}
    for table, number in counts:
        total[table] = total.get(table, 0) + number
    return total


def _pending_owners(connection: psycopg.Connection) -> list[tuple[str, bool]]:
    return connection.execute(
        "select distinct account_id, livemode from ops.erased_object where batch_id is null order by 1, 2"
    ).fetchall()
