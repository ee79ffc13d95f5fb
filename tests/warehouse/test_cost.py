"""That the cost of a load follows its batch: how far back histories are read, and what is analyzed."""

import json
from typing import Any

import psycopg

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, release_batches
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage

CUSTOMER_DIM = [model for model in MODELS if model.name == "customer_dim"]


def customer(day: str, email: str, verb: str = "updated") -> Version:
    return Version(moment(f"{day}T00:00:00"), f"customer.{verb}", {"object": "customer", "id": "cus_1", "email": email})


def emails(connection: psycopg.Connection, *batches: list[Version]) -> list[tuple[Any, ...]]:
    for batch in batches:
        stage(connection, batch)
        apply_models(connection, SQL_ROOT, CUSTOMER_DIM)
    with connection.transaction():
        return connection.execute("select email, is_current from dwh.customer_dim order by valid_from").fetchall()


def test_versions_before_the_first_one_that_came_with_them_join_the_history(connection: psycopg.Connection) -> None:
    newer = [customer("2026-03-05", "c")]
    older = [customer("2025-11-05", "a", "created")]
    between = [customer("2026-01-05", "b")]
    assert emails(connection, newer, older, between) == [("a", False), ("b", False), ("c", True)]


def test_an_object_that_a_model_has_is_read_from_its_first_version_on(connection: psycopg.Connection) -> None:
    emails(connection, [customer("2025-11-05", "a", "created"), customer("2026-01-05", "b")])
    stage(connection, [customer("2026-03-05", "c")])
    release_batches(connection)
    with connection.transaction():
        connection.execute("select ops.begin_model('customer_dim', touching => '{customer}')")
        assert connection.execute("select since from touched").fetchall() == [(moment("2026-03-05T00:00:00"),)]
        connection.execute("select ops.bound_touched('customer_id')")
        assert connection.execute("select since from touched").fetchall() == [(moment("2025-11-05T00:00:00"),)]


def test_months_before_an_object_are_not_looked_into(connection: psycopg.Connection) -> None:
    emails(connection, [customer("2025-11-05", "a"), customer("2026-01-05", "b"), customer("2026-03-05", "c")])
    connection.execute("create temp table wanted as select %s::timestamptz as since", [moment("2026-01-01T00:00:00")])
    row = connection.execute(
        """
        explain (analyze, format json)
        select version.*
        from wanted
        cross join lateral staging.versions_of_object(%s, false, 'customer', 'cus_1', wanted.since) as version
        """,
        [ACCOUNT],
    ).fetchone()
    assert row is not None
    executions: dict[str, int] = {}
    nodes = [json.loads(row[0])[0]["Plan"] if isinstance(row[0], str) else row[0][0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        executions[node.get("Relation Name", "")] = node["Actual Loops"]
    read = {month: executions[month] for month in ("event_y2025m11", "event_y2026m01", "event_y2026m03")}
    assert read == {"event_y2025m11": 0, "event_y2026m01": 1, "event_y2026m03": 1}


def test_a_queue_that_grows_has_its_own_table_analyzed_and_no_other(connection: psycopg.Connection) -> None:
    connection.execute("create table public.bystander as select 1 as number")
    connection.commit()
    with connection.transaction():
        connection.execute("select ops.begin_model('enrichment')")
        connection.execute("select ops.end_model(0, 1000000)")
    analyzed = connection.execute(
        "select relname from pg_class where relname in ('bystander', 'enrichment') and reltuples >= 0"
    ).fetchall()
    assert analyzed == [("enrichment",)]
