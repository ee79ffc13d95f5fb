"""Two runs of everything at once, on one warehouse: neither fails, and the result is that of one run."""

import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models
from tests.conftest import SQL_ROOT, PostgresServer
from tests.dags.conftest import NOW
from tests.dags.runs import contents
from tests.end_to_end.pipeline import Pipeline
from tests.warehouse.raw_rows import table_rows

FOUNDED = datetime.fromisoformat(NOW) - timedelta(days=150)


def run(conninfo: str, stripe_url: str) -> None:
    """Plan, stage, apply, check, refresh, in several windows and slices."""
    pipeline = Pipeline(conninfo, stripe_url)
    pipeline.events(max_window=timedelta(days=3))
    pipeline.backfill(FOUNDED, slice_days=40)
    pipeline.load()


def rebuilt(postgres: PostgresServer, conninfo: str) -> str:
    """A copy of the warehouse whose dims and facts were built anew, at once, from its raw layer."""
    copy = postgres.clone_database(conninfo)
    with psycopg.connect(copy) as connection:
        for model in MODELS:
            if model.schema == "dwh":
                connection.execute(sql.SQL("delete from {}").format(sql.Identifier("dwh", model.name)))
        connection.execute("delete from ops.batch_applied")
        connection.commit()
        apply_models(connection, SQL_ROOT)
    return copy


def dwh(conninfo: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(conninfo) as connection:
        return table_rows(connection, "dwh")


def test_two_runs_at_once_give_the_rows_of_one(postgres: PostgresServer, warehouse: str, stripe_url: str) -> None:
    errors: list[BaseException] = []

    def keep_error() -> None:
        try:
            run(warehouse, stripe_url)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=keep_error) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with psycopg.connect(warehouse) as connection:
        # both have read the same windows, and stored each event once
        windows = "select count(*) > count(distinct asked_from) from ops.batch where source = 'events'"
        assert connection.execute(windows).fetchone() == (True,)
    alone, anew = postgres.create_warehouse(), rebuilt(postgres, warehouse)
    run(alone, stripe_url)
    found = contents(warehouse)
    assert found == contents(alone)
    assert len(found["dwh.charge_fact"]) > 40
    assert dwh(warehouse) == dwh(anew)
    for conninfo in (alone, anew):
        postgres.drop_database(conninfo)
