"""Redacts the raw layer by the list of erased customers, and moves what it redacted into batches for the models."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import psycopg

from tallyhouse.ledger import require_idle
from tallyhouse.rows import only_value

log = logging.getLogger(__name__)

SOURCE = "erasure"

# The models whose rows are emptied in place, of the warehouse and of a rebuild beside it. They come before the list's
# own lock: who holds all models' locks may wait for that one.
_LOCKS = (
    "ops.model.client_dim",
    "ops.model.user_first_install_fact",
    "ops.model.dwh_rebuild.client_dim",
    "ops.model.dwh_rebuild.user_first_install_fact",
    "ops.erasure",
)
# as ops.charge_source has them
_DAYS = """
select distinct (row_at at time zone 'UTC')::date from erased_row
where source = 'event' and object_type = 'charge' and is_theirs
"""


def lock(connection: psycopg.Connection) -> None:
    """Keeps batches from ending until this transaction does: each has committed, and is found, or will see the list.

    And the models of installs from running, which read what is emptied and write what is emptied with it.
    """
    for name in _LOCKS:
        connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def look_again(connection: psycopg.Connection) -> int:
    """Looks through the raw layer for what names objects and users of erased customers that were not known before.

    A document may come before the one that tells whose it is: a dispute before its charge. Every load begins with
    this; it costs nothing unless something new of an erased customer has come, and then no more than what was made
    since. Returns how many rows were redacted.
    """
    require_idle(connection)
    with connection.transaction():
        if not _is_anything_pending(connection):
            return 0
        lock(connection)
        rows = redact(connection, "load")
    log.info("more of erased customers: %s", ", ".join(f"{table} {number:,}" for table, number in rows.items()))
    return sum(rows.values())


def redact(connection: psycopg.Connection, run_id: str) -> dict[str, int]:
    """Redacts what is on the list and was not yet looked for; rows by table.

    The documents of each account and mode go into a batch of their own, which the models read again.
    """
    counts: list[tuple[str, int]] = []
    for account_id, livemode in _pending_owners(connection):
        batch_id = only_value(
            connection,
            "insert into ops.batch (account_id, livemode, source, run_id, started_at) "
            "values (%s, %s, %s, %s, clock_timestamp()) returning batch_id",
            [account_id, livemode, SOURCE, run_id],
        )
        connection.execute("select ops.find_erased(%s, %s)", [account_id, livemode])
        found = connection.execute("select relation, row_count from ops.erase_documents(%s)", [batch_id]).fetchall()
        connection.execute(
            "update ops.batch set row_count = %s, committed_at = clock_timestamp() where batch_id = %s",
            [sum(number for _, number in found), batch_id],
        )
        counts += found
    counts += connection.execute("select relation, row_count from ops.erase_installs()").fetchall()
    counts += connection.execute("select 'raw.rejected', ops.erase_rejects()").fetchall()
    return sum_rows(counts)


@dataclass(frozen=True)
class Counted:
    """What there is to redact: rows by table, and the days (UTC) of which events told of charges in it."""

    rows: dict[str, int]
    days: list[date]


def count(connection: psycopg.Connection) -> Counted:
    """What `redact` would redact, for a transaction that is taken back: no document is touched.

    Waits for nobody, and nobody waits for it, but for who writes of the same customer.
    """
    counts: list[tuple[str, int]] = []
    days: set[date] = set()
    for owner in _pending_owners(connection):
        connection.execute("select ops.find_erased(%s, %s)", owner)
        days.update(day for (day,) in connection.execute(_DAYS))
        counts += connection.execute("select relation, row_count from ops.count_found()").fetchall()
    connection.execute("select ops.find_erased_installs()")
    counts += connection.execute("select relation, row_count from ops.count_installs()").fetchall()
    counts += connection.execute("select 'raw.rejected', count(*) from ops.rejects_of_erased()").fetchall()
    return Counted(sum_rows(counts), sorted(days))


def sum_rows(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts by table, added up."""
    total: dict[str, int] = {}
    for table, number in counts:
        total[table] = total.get(table, 0) + number
    return total


def _pending_owners(connection: psycopg.Connection) -> list[tuple[str, bool]]:
    """The accounts and modes of what is on the list and was not yet looked for."""
    return connection.execute(
        "select distinct account_id, livemode from ops.erased_object where batch_id is null order by 1, 2"
    ).fetchall()


def _is_anything_pending(connection: psycopg.Connection) -> bool:
    is_pending: bool = only_value(
        connection,
        "select exists (select from ops.erased_object where batch_id is null) "
        "or exists (select from ops.erased_user where is_pending)",
    )
    return is_pending
