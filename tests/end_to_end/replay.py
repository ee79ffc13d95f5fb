"""Gives a warehouse its own documents once more, in parts of any rows, and loads it after each part."""

import psycopg
from psycopg import sql

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import SQL_ROOT

# What past events had fetched is among the documents: the queue need not ask again.
RECORDS = ("batch_applied", "enrichment", "event_order_contradiction", "changed_customer")
TABLES = ("event", "object")


def replay(connection: psycopg.Connection, seed: float, parts: int) -> None:
    """Empties the warehouse but for its marks of how far was read, and fills it in `parts`; `seed`: -1 to 1."""
    emptied = [sql.Identifier("dwh", model.name) for model in MODELS if model.schema == "dwh"]
    emptied += [sql.Identifier("ops", name) for name in RECORDS]
    connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(emptied)))
    connection.execute("select setseed(%s)", [seed])
    for table in TABLES:
        names = {"raw": sql.Identifier("raw", table), "kept": sql.Identifier(f"kept_{table}")}
        connection.execute(
            sql.SQL("create temp table {kept} as select *, floor(random() * {parts}) as part from {raw}").format(
                **names, parts=parts
            )
        )
        connection.execute(sql.SQL("truncate {raw}").format(**names))
    for part in range(parts):
        for table in TABLES:
            put_back(connection, table, part)
        connection.commit()
        apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)


def put_back(connection: psycopg.Connection, table: str, part: int) -> None:
    """One part of a table of the raw layer, as a batch of its own."""
    columns = connection.execute(
        "select array_agg(attname::text) from pg_attribute where attrelid = %s::regclass and attnum > 0 "
        "and not attisdropped and attgenerated = '' and attname <> 'batch_id'",
        [f"raw.{table}"],
    ).fetchone()
    assert columns is not None
    connection.execute(
        sql.SQL(
            """
            with batch as (
                insert into ops.batch (account_id, livemode, source, run_id, started_at)
                select account_id, livemode, 'replay', 'replay', now() from {kept} limit 1
                returning batch_id
            )

            insert into {raw} ({columns}, batch_id)
            select {columns}, (select batch_id from batch) from {kept} where part = {part}
            """
        ).format(
            raw=sql.Identifier("raw", table),
            kept=sql.Identifier(f"kept_{table}"),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns[0])),
            part=part,
        )
    )
