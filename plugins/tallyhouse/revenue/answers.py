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
_WITHOUT_RATE = "currencies_without_rate"
"""Column of queries that convert: the currencies for want of whose rates an amount of the row is null."""
_NOT_IN_A_NAME = re.compile(r"[^\w.-]|[^\x00-\x7f]")
"""What a file, or a header that names it, is better without; ids of plans are chosen by people."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would run."""


@dataclass(frozen=True)
class Answer:
    """The rows of a chart, in the order of `columns`. Numbers that may have decimals are text, and exact.

    `without_rate`: the currencies for want of whose exchange rates amounts are null.
    """

    chart: Chart
    filters: Filters
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    without_rate: Sequence[str] = ()

    def as_csv(self) -> str:
        """With a header, and the currency where there is money; null is empty."""
        with_currency = has_money(self.columns)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        header = [column.key for column in self.columns]
        writer.writerow([*header, "currency"] if with_currency else header)
        for row in self.rows:
            cells = [_csv_cell(column, value) for column, value in zip(self.columns, row, strict=True)]
            writer.writerow([*cells, self.filters.shown_in] if with_currency else cells)
        return out.getvalue()

    @property
    def file_name(self) -> str:
        """For a download: what is in it, and of when; of another view, another name."""
        asked = self.filters.as_json()
        parts = [
            self.chart.name,
            self.filters.currency or f"all-in-{self.filters.shown_in}",
            asked["mode"],
            f"by-{asked['by']}",
            asked["account"] if self.chart.by_account else None,
            asked["plan"] if self.chart.by_plan else None,
            asked["from"],
            asked["to"],
        ]
        return "-".join(["tallyhouse", *(_NOT_IN_A_NAME.sub("_", part) for part in parts if part)]) + ".csv"


def ask(connection: psycopg.Connection, sql_root: Path, chart: Chart, filters: Filters) -> Answer:
    """Runs a chart's query; psycopg.Error when PostgreSQL refuses it."""
    query = read_query(sql_root, chart)
    named = max(int(found[1]) for found in _PARAMETER.finditer(query))
    cursor = psycopg.RawCursor(connection)
    cursor.execute(query.encode(), filters.parameters[:named])
    names = [column.name for column in cursor.description or ()]
    columns = shown_columns(chart, filters)
    places = [names.index(column.name) for column in columns]
    found = cursor.fetchall()
    rows = [
        [_value(column, row[place], filters.exponent) for column, place in zip(columns, places, strict=True)]
        for row in found
    ]
    # a query may be that of a chart with amounts too
    is_converted = _WITHOUT_RATE in names and has_money(columns)
    lacking = [row[names.index(_WITHOUT_RATE)] for row in found] if is_converted else []
    without_rate = {currency for listed in lacking if listed for currency in listed.split(", ")}
    return Answer(chart, filters, columns, rows, sorted(without_rate))


def shown_columns(chart: Chart, filters: Filters) -> list[Column]:
    """The columns of a chart that have something to say of what is asked for."""
    return [column for column in chart.columns if filters.currency is None or not column.of_all_currencies]


def has_money(columns: Sequence[Column]) -> bool:
    """Whether there are amounts, which are in a currency."""
    return any(column.kind == "money" for column in columns)


def read_query(sql_root: Path, chart: Chart) -> str:
    """The query as it is in its file, with numbered parameters: the first of `Filters.parameters`."""
    return (sql_root / "page" / f"{chart.query}.sql").read_text()


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
