"""Asks one chart's query, and gives its rows as text: exact, money in major units."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tallyhouse.revenue.charts import Chart, Column
from tallyhouse.revenue.filters import Filters

Value = str | int | bool | None

_PARAMETER = re.compile(r"\$(\d)::(\w+)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would run."""


@dataclass(frozen=True)
class Answer:
    """The rows of a chart, in the order of its columns. Numbers that may have decimals are text, and exact."""

    chart: Chart
    filters: Filters
    rows: Sequence[Sequence[Value]]

    def as_csv(self) -> str:
        """With a header, and the currency where there is money; null is empty."""
        has_money = any(column.kind == "money" for column in self.chart.columns)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        header = [column.key for column in self.chart.columns]
        writer.writerow([*header, "currency"] if has_money else header)
        for row in self.rows:
            cells = [_csv_cell(column, value) for column, value in zip(self.chart.columns, row, strict=True)]
            writer.writerow([*cells, self.filters.currency] if has_money else cells)
        return out.getvalue()

    @property
    def file_name(self) -> str:
        """For a download: what is in it, and of when."""
        asked = self.filters.as_json()
        return f"tallyhouse-{self.chart.name}-{asked['currency']}-{asked['from']}-{asked['to']}.csv"


def ask(connection: psycopg.Connection, sql_root: Path, chart: Chart, filters: Filters) -> Answer:
    """Runs a chart's query; psycopg.Error when PostgreSQL refuses it."""
    cursor = psycopg.RawCursor(connection)
    cursor.execute(read_query(sql_root, chart).encode(), filters.parameters)
    names = [column.name for column in cursor.description or ()]
    places = [names.index(column.name) for column in chart.columns]
    rows = [
        [_value(column, row[place], filters.exponent) for column, place in zip(chart.columns, places, strict=True)]
        for row in cursor
    ]
    return Answer(chart, filters, rows)


def read_query(sql_root: Path, chart: Chart) -> str:
    """The query as it is in its file, with numbered parameters."""
    return (sql_root / "page" / f"{chart.name}.sql").read_text()


def show_query(connection: psycopg.Connection, sql_root: Path, chart: Chart, filters: Filters) -> str:
    """The query with what was asked for in the place of its parameters: for people, ready to paste into psql."""

    def literal(found: re.Match[str]) -> str:
        value = filters.parameters[int(found[1]) - 1]
        if isinstance(value, date):
            value = value.isoformat()
        return f"{sql.Literal(value).as_string(connection).strip()}::{found[2]}"

    return _PARAMETER.sub(literal, read_query(sql_root, chart))


def _value(column: Column, value: Any, exponent: int) -> Value:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _plain(value.scaleb(-exponent) if column.kind == "money" else value)
    if isinstance(value, int) and column.kind == "money":
        return _plain(Decimal(value).scaleb(-exponent))
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"{column.name} is {type(value).__name__}, which no chart shows")


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _csv_cell(column: Column, value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    if column.kind == "text" and isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
