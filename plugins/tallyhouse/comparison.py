"""Compares what Stripe lists with what the warehouse holds, object by object, and says why they differ."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tallyhouse.client import Account

NEVER_SEEN = "never_seen"
STALE = "stale"
DELETED = "deleted"
UNKNOWN_SHAPE = "unknown_shape"
LATER_THAN_LAG = "later_than_lag"
UNEXPLAINED = "unexplained"

# What every readable document of these kinds has: null in the warehouse, it could not be read.
_NEVER_NULL = ("status", "currency", "amount_minor", "net_minor", "total_minor")


@dataclass(frozen=True)
class Difference:
    """One object of which the two tell different things.

    `values`: {column: (what Stripe says, what the warehouse said)}. `observed_at` None: Stripe did not show it.
    """

    object_id: str
    reason: str
    values: dict[str, tuple[Any, Any]]
    observed_at: datetime | None

    @property
    def as_json(self) -> str:
        """The columns that differ, as ops.reconciliation keeps them."""
        return json.dumps({name: list(pair) for name, pair in self.values.items()})

    def describe(self) -> str:
        """One line for a log."""
        shown = "; ".join(
            f"{name}: Stripe {ours!r}, warehouse {theirs!r}" for name, (ours, theirs) in self.values.items()
        )
        return f"{self.object_id} {self.reason}: {shown}"


@dataclass(frozen=True)
class Row:
    """One object as the comparison's query gives it; `listed` or `held` is None where that side has none."""

    object_id: str
    observed_at: datetime | None
    version_at: datetime | None
    listed: dict[str, Any] | None
    held: dict[str, Any] | None

    @property
    def values(self) -> dict[str, tuple[Any, Any]]:
        """The columns that differ."""
        listed, held = self.listed or {}, self.held or {}
        names = list(listed or held)
        return {name: (listed.get(name), held.get(name)) for name in names if listed.get(name) != held.get(name)}

    @property
    def is_ahead(self) -> bool:
        """Whether the warehouse knows a newer state than the list, which took a while to read."""
        return bool(self.version_at and self.observed_at and self.version_at > self.observed_at)


@dataclass(frozen=True)
class Comparison:
    """One kind of object that is compared: include/sql/reconcile/<object>.sql, and the models that it reads."""

    object_name: str
    query: str
    models: tuple[str, ...]

    @classmethod
    def read(cls, sql_root: Path, object_name: str, models: tuple[str, ...]) -> "Comparison":
        """Reads the query's file."""
        return cls(object_name, (sql_root / "reconcile" / f"{object_name}.sql").read_text(), models)

    def run(self, conn: psycopg.Connection) -> "Compared":
        """Compares the temporary table listed with what the warehouse holds for the temporary table asked."""
        conn.execute("drop table if exists compared")
        conn.execute(sql.SQL("create temporary table compared on commit drop as {}").format(sql.SQL(self.query)))
        counts = conn.execute("select count(listed), count(held) from compared").fetchone() or (0, 0)
        rows = conn.execute("select * from compared where listed is distinct from held order by object_id").fetchall()
        return Compared([Row(*row) for row in rows], counts[0], counts[1])


@dataclass(frozen=True)
class Compared:
    """The objects that differ, and how many of each side were compared."""

    rows: list[Row]
    listed: int
    held: int


def classify(
    conn: psycopg.Connection,
    comparison: Comparison,
    account: Account,
    rows: list[Row],
    in_flight: set[str],
    gone: set[str],
) -> list[Difference]:
    """Why each of these objects differs.

    `in_flight`: objects that changed after the events that are loaded; `gone`: those that Stripe no longer has.
    """
    ids = [row.object_id for row in rows]
    waiting = in_flight | _pending(conn, comparison, account, ids)
    newest = _newest_raw(conn, comparison, account, ids)
    unreadable = _unreadable(conn, comparison, account, ids)
    differences = []
    for row in rows:
        if row.object_id in waiting:
            reason = LATER_THAN_LAG
        elif row.object_id in gone:
            reason = DELETED
        elif row.object_id in unreadable:
            reason = UNKNOWN_SHAPE
        elif row.object_id not in newest:
            reason = NEVER_SEEN
        elif newest[row.object_id] == row.listed:
            # the raw layer holds this very state, and the warehouse does not
            reason = UNEXPLAINED
        elif any(name in _NEVER_NULL and theirs is None for name, (_, theirs) in row.values.items() if row.held):
            reason = UNKNOWN_SHAPE
        else:
            reason = STALE
        differences.append(Difference(row.object_id, reason, row.values, row.observed_at))
    return differences


def _pending(conn: psycopg.Connection, comparison: Comparison, account: Account, ids: list[str]) -> set[str]:
    """Of these objects those of which a batch waits to be loaded."""
    found = conn.execute(
        """
        select distinct version.object_id
        from ops.batch
        cross join lateral staging.versions_in_batch(batch.batch_id, %(object)s) as version
        where
            exists (
                select from unnest(%(models)s::text[]) as needed (model)
                where not exists (
                    select from ops.batch_applied as applied
                    where applied.model = needed.model and applied.batch_id = batch.batch_id
                )
            )
            and version.account_id = %(account_id)s and version.livemode = %(livemode)s
            and version.object_id = any(%(ids)s)
        """,
        {"models": list(comparison.models), **_key(comparison, account, ids)},
    )
    return {object_id for (object_id,) in found}


def _newest_raw(
    conn: psycopg.Connection, comparison: Comparison, account: Account, ids: list[str]
) -> dict[str, dict[str, Any] | None]:
    """The newest state of each of these objects that the raw layer has, read as a listed one is."""
    conn.execute("alter table listed rename to listed_by_stripe")
    conn.execute(
        """
        create temporary table listed on commit drop as
        select
            version.account_id, version.livemode, version.object_type, version.object_id,
            version.version_at as observed_at, version.body as payload
        from unnest(%(ids)s::text[]) as wanted (object_id)
        cross join lateral (
            select *
            from staging.versions_of_object(%(account_id)s, %(livemode)s, %(object)s, wanted.object_id)
            order by version_rank = 3 desc, version_at desc, version_rank desc, version_order desc
            limit 1
        ) as version
        """,
        _key(comparison, account, ids),
    )
    comparison.run(conn)
    states: dict[str, dict[str, Any] | None] = dict(
        conn.execute("select object_id, listed from compared where listed is not null").fetchall()
    )
    conn.execute("drop table listed")
    conn.execute("alter table listed_by_stripe rename to listed")
    return states


def _unreadable(conn: psycopg.Connection, comparison: Comparison, account: Account, ids: list[str]) -> set[str]:
    """Of these objects those of which a document was set aside."""
    found = conn.execute(
        """
        select object_id from raw.event
        where account_id = %(account_id)s and livemode = %(livemode)s and object_type = %(object)s
            and object_id = any(%(ids)s) and unreadable is not null
        union
        select object_id from raw.object
        where account_id = %(account_id)s and livemode = %(livemode)s and object_type = %(object)s
            and object_id = any(%(ids)s) and unreadable is not null
        """,
        _key(comparison, account, ids),
    )
    return {object_id for (object_id,) in found}


def _key(comparison: Comparison, account: Account, ids: list[str]) -> dict[str, Any]:
    return {
        "object": comparison.object_name,
        "account_id": account.account_id,
        "livemode": account.livemode,
        "ids": ids,
    }
