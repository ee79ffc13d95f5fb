"""The row of a statement that always returns one: an aggregate, a select of values, an insert that returns."""

from typing import Any

import psycopg
from psycopg.abc import Params, QueryNoTemplate


def only_row(connection: psycopg.Connection, query: QueryNoTemplate, values: Params | None = None) -> tuple[Any, ...]:
    """Runs the statement and returns its first row; LookupError when there is none."""
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError("A statement that always returns a row returned none.")
    return row


def only_value(connection: psycopg.Connection, query: QueryNoTemplate, values: Params | None = None) -> Any:
    """Runs the statement and returns the first column of its row; LookupError when there is none."""
    return only_row(connection, query, values)[0]
