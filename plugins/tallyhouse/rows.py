"""The row of a statement that always returns one: an aggregate, a select of values, an insert that returns."""

from typing import Any

import psycopg
from psycopg.abc import Params, QueryNoTemplate


def only_row(connection: psycopg.Connection, query: QueryNoTemplate, params: Params | None = None) -> tuple[Any, ...]:
    """Runs the statement and returns its row; LookupError when there is none, or another."""
    rows = connection.execute(query, params).fetchmany(2)
    if len(rows) != 1:
        raise LookupError(f"{'Several rows' if rows else 'No row'}, of a statement that always returns one: {query!r}")
    return rows[0]


def only_value(connection: psycopg.Connection, query: QueryNoTemplate, params: Params | None = None) -> Any:
    """Runs the statement and returns the first column of its row; LookupError as of `only_row`."""
    return only_row(connection, query, params)[0]
