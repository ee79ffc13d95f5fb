"""Puts versions of objects into the raw layer as ingestion would, and reads tables back for comparison."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tallyhouse.file_kinds import FILE_KINDS

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"
ACCOUNT = "acct_test"


@dataclass(frozen=True)
class Version:
    """One state of an object: in an event of that type, or (event_type None) as a list showed it."""

    at: datetime
    event_type: str | None
    body: dict[str, Any]
    listing_order: int = 0
    event_id: str | None = None
    previous_attributes: dict[str, Any] | None = None
    account_id: str = ACCOUNT
    livemode: bool = False


@dataclass(frozen=True)
class StoredRow:
    """One row of a file of that kind, last modified at that time; such rows of one file share its hash."""

    at: datetime
    kind: str
    payload: dict[str, str]
    line: int = 2
    sha256: str = "0"


def stage_rows(connection: psycopg.Connection, rows: Sequence[StoredRow]) -> None:
    """Commits the rows of one file as its batch."""
    keys = {kind.name: list(kind.key) for kind in FILE_KINDS}
    with connection.transaction():
        row = connection.execute(
            "insert into ops.batch (source, run_id, started_at) values ('file', 'test', now()) returning batch_id"
        ).fetchone()
        assert row is not None
        for stored in rows:
            payload = Jsonb(stored.payload)
            connection.execute(
                "insert into raw.file_row values (%s, %s, %s, 'file', %s, %s, staging.file_row_key(%s, %s), %s)",
                [row[0], stored.line, stored.kind, stored.sha256, stored.at, payload, keys[stored.kind], payload],
            )
        connection.execute("select ops.erase_arrived(%s)", [row[0]])


def stage(connection: psycopg.Connection, versions: Sequence[Version]) -> int:
    """Commits them as one batch, of live mode if the first is; what is there already is ignored. Returns its id."""
    with connection.transaction():
        row = connection.execute(
            """
            insert into ops.batch (account_id, livemode, source, run_id, started_at, asked_to, row_count)
            values (%s, %s, 'events', 'test', now(), now(), %s) returning batch_id
            """,
            [ACCOUNT, bool(versions) and versions[0].livemode, len(versions)],
        ).fetchone()
        assert row is not None
        for version in versions:
            if version.event_type is None:
                connection.execute(
                    """
                    insert into raw.object values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing
                    """,
                    [
                        version.account_id,
                        version.livemode,
                        version.body["object"],
                        version.body["id"],
                        version.at,
                        Jsonb(version.body),
                        row[0],
                    ],
                )
                continue
            connection.execute(
                "select ops.ensure_event_partitions(%s, %s)", [version.at, version.at + timedelta(seconds=1)]
            )
            identity = f"{version.at}{version.event_type}{version.listing_order}{version.body['id']}"
            data: dict[str, Any] = {"object": version.body}
            if version.previous_attributes is not None:
                data["previous_attributes"] = version.previous_attributes
            event_id = version.event_id or "evt_" + hashlib.sha256(identity.encode()).hexdigest()[:16]
            connection.execute(
                """
                insert into raw.event (
                    account_id, livemode, event_id, type, created_at, listing_order, object_type, object_id, payload,
                    batch_id
                ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
                """,
                [
                    version.account_id,
                    version.livemode,
                    event_id,
                    version.event_type,
                    version.at,
                    version.listing_order,
                    version.body["object"],
                    version.body["id"],
                    Jsonb({"id": event_id, "data": data}),
                    row[0],
                ],
            )
        # as every batch ends
        connection.execute("select ops.erase_arrived(%s)", [row[0]])
    return int(row[0])


# The same in every warehouse, and of many rows.
CALENDAR = "date_dim"


def table_names(connection: psycopg.Connection, schema: str) -> list[str]:
    """All tables and materialized views of a schema, but for the calendar."""
    names = connection.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'm') order by 1",
        [schema],
    ).fetchall()
    return [name for (name,) in names if name != CALENDAR]


def table_rows(connection: psycopg.Connection, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all these tables, each table sorted."""
    return {
        name: connection.execute(
            sql.SQL("select t::text from {} as t order by 1").format(sql.Identifier(schema, name))
        ).fetchall()
        for name in table_names(connection, schema)
    }


def empty_warehouse(connection: psycopg.Connection) -> None:
    """Empties raw, dwh and the batch ledger, but for the calendar and the currencies."""
    # delete, not truncate: on a few rows it is many times faster
    for schema in ("raw", "dwh"):
        for name in table_names(connection, schema):
            if name == "currency_dim":
                continue
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(schema, name)))
    books = ("batch", "batch_applied", "watermark", "file", "enrichment", "event_order_contradiction")
    for name in (*books, "erasure", "erased_object", "erased_user"):
        connection.execute(sql.SQL("delete from {}").format(sql.Identifier("ops", name)))
    connection.commit()


def moment(text: str) -> datetime:
    """An ISO instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
