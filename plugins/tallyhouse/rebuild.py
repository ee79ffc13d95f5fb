"""Makes dims and facts anew from the raw layer, beside those in use, and swaps them in one transaction."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tallyhouse import locks
from tallyhouse.errors import TallyhouseError
from tallyhouse.ledger import require_idle
from tallyhouse.objects import MODELS
from tallyhouse.roles import LOADER
from tallyhouse.rows import only_value
from tallyhouse.warehouse import apply_released

log = logging.getLogger(__name__)

SHADOW = "dwh_rebuild"
"""Schema in which the new tables are made."""

REBUILT = tuple(model for model in MODELS if model.schema == "dwh")
"""The pipeline's own records are not rebuilt: one is its memory of what it has asked Stripe for."""

_NAMES = [model.name for model in REBUILT]
_LOCK = "ops.rebuild"


@dataclass(frozen=True)
class TableChange:
    """What the rebuild changed in one table: rows it has now, rows that went, rows that came.

    A row that differs counts as one that went and one that came. A warehouse that the hourly loads kept right
    has neither.
    """

    table: str
    rows: int
    removed: int
    added: int

    def describe(self) -> str:
        """One line for a log."""
        return f"{self.table}: {self.rows:,} rows, {self.removed:,} removed, {self.added:,} added"


def rebuild(connection: psycopg.Connection, sql_root: Path) -> list[TableChange]:
    """Rebuilds every dim and fact from raw and returns what that changed; all of it or nothing.

    While the new tables are made, in schema dwh_rebuild, loads and readers go on. Then the loads wait for a
    moment; what they had brought meanwhile is applied to the new tables too; and the rows in which the two
    differ are replaced, with the ledger, in one transaction, so that views, grants and readers are not
    disturbed. TallyhouseError when another rebuild is running; ValueError when a transaction is open.
    """
    require_idle(connection)
    with _alone(connection):
        began = time.monotonic()
        try:
            with connection.transaction():
                _take_back_unreadable(connection)
                _make_shadow(connection)
            apply_released(connection, sql_root, REBUILT, schema=SHADOW)
            log.info("rebuilt beside dwh in %.1f s", time.monotonic() - began)
            # the load of a model takes that model's lock, and none while it holds another
            with locks.held(connection, [locks.RELEASE, *(f"ops.model.{name}" for name in _NAMES)]):
                apply_released(connection, sql_root, REBUILT, schema=SHADOW)
                with connection.transaction():
                    changes = [_swap(connection, name) for name in _NAMES]
                    _swap_ledger(connection)
        finally:
            _drop_shadow(connection)
    for change in changes:
        log.info("%s", change.describe())
    return changes


def _take_back_unreadable(connection: psycopg.Connection) -> None:
    """What was set aside, and can be read by now, counts again."""
    for table, body in (("event", "payload #> '{data,object}'"), ("object", "payload")):
        taken = connection.execute(
            sql.SQL(
                "update raw.{} set unreadable = null "
                "where unreadable is not null and ops.unreadable_reason(object_type, {}) is null"
            ).format(sql.Identifier(table), sql.SQL(body))
        ).rowcount
        if taken:
            log.info("%d rows of raw.%s had been set aside and can be read now", taken, table)


def _make_shadow(connection: psycopg.Connection) -> None:
    """Empty tables like those of dwh; what a rebuild that was killed left behind goes first.

    They belong to the loader: another of its logins may have to remove them.
    """
    _drop_shadow(connection)
    loader = sql.Identifier(LOADER)
    connection.execute(sql.SQL("create schema {} authorization {}").format(sql.Identifier(SHADOW), loader))
    for name in _NAMES:
        connection.execute(
            sql.SQL("create table {new} (like {old} including all); alter table {new} owner to {loader}").format(
                new=sql.Identifier(SHADOW, name), old=sql.Identifier("dwh", name), loader=loader
            )
        )


def _drop_shadow(connection: psycopg.Connection) -> None:
    """Removes the new tables and their ledger; the next rebuild does so for one that lost its connection."""
    if connection.broken or connection.closed:
        return
    with connection.transaction():
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SHADOW)))
        _forget_shadow_ledger(connection)


def _swap(connection: psycopg.Connection, name: str) -> TableChange:
    """Makes a table of dwh equal to its new version, touching only the rows that differ."""
    keys: list[str] = only_value(
        connection,
        "select array_agg(quote_ident(a.attname)::text order by a.attnum) from pg_index as i "
        "inner join pg_attribute as a on i.indrelid = a.attrelid and a.attnum = any(i.indkey) "
        "where i.indrelid = %s::regclass and i.indisprimary",
        [f"dwh.{name}"],
    )
    parts = {
        "old": sql.Identifier("dwh", name),
        "new": sql.Identifier(SHADOW, name),
        "same_key": sql.SQL(" and ").join(sql.SQL(f"new.{key} = old.{key}") for key in keys),
    }
    removed = connection.execute(
        sql.SQL(
            "delete from {old} as old where not exists "
            "(select from {new} as new where {same_key} and new.* is not distinct from old.*)"
        ).format(**parts)
    ).rowcount
    added = connection.execute(
        sql.SQL(
            "insert into {old} select new.* from {new} as new where not exists "
            "(select from {old} as old where {same_key})"
        ).format(**parts)
    ).rowcount
    counted = only_value(connection, sql.SQL("select count(*) from {old}").format(**parts))
    return TableChange(name, counted, removed, added)


def _swap_ledger(connection: psycopg.Connection) -> None:
    """The batches applied are those that the new tables hold; what they lack is pending again."""
    connection.execute("delete from ops.batch_applied where model = any(%s)", [_NAMES])
    connection.execute(
        "update ops.batch_applied set model = split_part(model, '.', 2) where model = any(%s)",
        [[f"{SHADOW}.{name}" for name in _NAMES]],
    )


def _forget_shadow_ledger(connection: psycopg.Connection) -> None:
    shadows = [f"{SHADOW}.{name}" for name in _NAMES]
    connection.execute("delete from ops.batch_applied where model = any(%s)", [shadows])
    connection.execute("delete from ops.last_run where relation = any(%s)", [shadows])


def drop_left_over(connection: psycopg.Connection, *, waits: bool) -> None:
    """Removes what a rebuild that was killed left behind, which is a copy of dims and facts as they were then.

    Of a rebuild that goes on it waits for the end (`waits`), or leaves it alone. Until the end of the caller's
    transaction no other can begin.
    """
    if waits:
        connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
    else:
        if not only_value(connection, "select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK]):
            return
    _drop_shadow(connection)


@contextmanager
def _alone(connection: psycopg.Connection) -> Iterator[None]:
    """One rebuild at a time: the shadow schema is one."""
    with connection.transaction():
        is_ours = only_value(connection, "select pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
    if not is_ours:
        raise TallyhouseError(
            "Another rebuild is running, or an erasure looks at what one left behind. Wait until it ends; "
            "nothing was changed."
        )
    try:
        yield
    finally:
        locks.unlock(connection, [_LOCK])
