"""Asks the page's queries for their rows, in the form in which tests compare them."""

from decimal import Decimal
from typing import Any

import psycopg

from tallyhouse.revenue.answers import ask
from tallyhouse.revenue.charts import BY_NAME
from tallyhouse.revenue.filters import Filters, read_filters, read_reporting, read_slices
from tests.conftest import SQL_ROOT


def filters(connection: psycopg.Connection, **asked: str) -> Filters:
    """What is asked for: in dollars and from the first month, unless it says otherwise."""
    slices, reporting = read_slices(connection), read_reporting(connection)
    return read_filters(slices, reporting, {"from": "2025-07", "currency": "usd"} | asked)


def answer(connection: psycopg.Connection, name: str, **asked: str) -> list[dict[str, Any]]:
    """The rows of a chart by column, as they are shown: numbers as Decimal, money in major units."""
    found = ask(connection, SQL_ROOT, BY_NAME[name], filters(connection, **asked))
    return [
        {
            column.key: Decimal(str(value))
            if column.kind in ("money", "rate", "factor") and value is not None
            else value
            for column, value in zip(found.columns, row, strict=True)
        }
        for row in found.rows
    ]
