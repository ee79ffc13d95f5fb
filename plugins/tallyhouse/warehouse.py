"""Brings dims, facts and marts up to date outside Airflow: what the DAGs do, for tests, benches and notebooks."""

from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from tallyhouse.migrations import read_repeatables
from tallyhouse.objects import MODELS, Model


def mart_upstream(sql_root: Path) -> dict[str, list[str]]:
    """Names of the materialized views of schema mart, each after those that it reads -> the ones it reads."""
    materialized = {
        file.relation: file
        for file in read_repeatables(sql_root)
        if file.schema == "mart" and "create materialized view" in file.text
    }
    return {
        name: [other for other in materialized if ("mart", other) in file.references]
        for name, file in materialized.items()
    }


def apply_models(connection: psycopg.Connection, sql_root: Path, models: Sequence[Model] = MODELS) -> None:
    """Applies every pending batch to the models, each in a transaction of its own, as its task does."""
    for model in models:
        with connection.transaction():
            connection.execute(sql.SQL((sql_root / model.sql_file).read_text()))


def refresh_marts(connection: psycopg.Connection, sql_root: Path) -> None:
    """Refreshes every materialized view of schema mart, readers undisturbed."""
    for name in mart_upstream(sql_root):
        with connection.transaction():
            connection.execute(
                sql.SQL("refresh materialized view concurrently {}").format(sql.Identifier("mart", name))
            )
