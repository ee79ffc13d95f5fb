"""All that the page shows, in one answer of one snapshot: what was asked, what can be, every chart, how to trust it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tallyhouse.revenue.answers import Answer, ask, show_query, shown_columns
from tallyhouse.revenue.charts import CHARTS, Chart
from tallyhouse.revenue.definitions import Definitions, read_definitions
from tallyhouse.revenue.errors import PageError, explain
from tallyhouse.revenue.filters import (
    Filters,
    Options,
    check_plan,
    read_filters,
    read_plans,
    read_reporting,
    read_slices,
)
from tallyhouse.revenue.reading import Patience
from tallyhouse.revenue.status import read_status


def read_document(connection: psycopg.Connection, sql_root: Path, asked: Mapping[str, str]) -> dict[str, Any]:
    """The page's document. `filters` is None, and `charts` empty, as long as the marts are.

    Raises UnknownChoiceError for filters that cannot be. A chart that fails has `error` and `what_to_do` instead of
    rows, and the others are there.
    """
    resolved = _resolve(connection, asked)
    if resolved is None:
        of_modes = [read_status(connection, livemode, account_id=None) for livemode in (True, False)]
        status = next((of_mode for of_mode in of_modes if of_mode["freshness"]), of_modes[0])
        return {"filters": None, "options": None, "charts": [], "without_rate": None, "status": status}
    filters, options = resolved
    definitions = read_definitions(connection, CHARTS)
    # before the charts, which may use up the time of the page
    status = read_status(connection, filters.livemode, filters.account_id)
    patience = Patience()
    charts = [_read_chart(connection, sql_root, chart, filters, definitions, patience) for chart in CHARTS]
    return {
        "filters": filters.as_json(),
        "options": options.as_json(filters),
        "charts": charts,
        "without_rate": _without_rate(charts, filters),
        "status": status,
    }


def read_answer(
    connection: psycopg.Connection, sql_root: Path, chart: Chart, asked: Mapping[str, str]
) -> Answer | None:
    """One chart's rows; None as long as the marts are empty. Raises UnknownChoiceError as `read_document`."""
    resolved = _resolve(connection, asked)
    return ask(connection, sql_root, chart, resolved[0]) if resolved else None


def _resolve(connection: psycopg.Connection, asked: Mapping[str, str]) -> tuple[Filters, Options] | None:
    slices = read_slices(connection)
    if not slices:
        return None
    reporting = read_reporting(connection)
    filters = read_filters(slices, reporting, asked)
    plans = read_plans(connection, filters)
    check_plan(filters, plans)
    return filters, Options(slices, reporting, plans)


def _without_rate(charts: Sequence[Mapping[str, Any]], filters: Filters) -> dict[str, str] | None:
    """What is wrong, and what to do, where amounts are missing for want of an exchange rate."""
    found = sorted({currency for chart in charts for currency in chart["without_rate"]})
    if not found:
        return None
    error = PageError(
        f"For some of this range there is no exchange rate to {filters.shown_in.upper()} of "
        f"{', '.join(found).upper()}: sums that these would be a part of are left out.",
        "Put rates since their first month into a file fx_rates*.csv of the folder that the Variable "
        "tallyhouse_acquisition_path names, and run `acquisition`; or choose one currency.",
    )
    return error.as_json()


def _read_chart(
    connection: psycopg.Connection,
    sql_root: Path,
    chart: Chart,
    filters: Filters,
    definitions: Definitions,
    patience: Patience,
) -> dict[str, Any]:
    by_quarter = filters.grain == "quarter"
    of_columns = definitions.of_columns(chart, by_quarter)
    notes = (
        chart.note,
        f"By quarter: {chart.by_quarter}" if by_quarter else "",
        chart.note_of_all if filters.currency is None else "",
    )
    ignored = [
        name
        for name, is_asked, follows in (
            ("plan", filters.price_id is not None, chart.by_plan),
            ("account", filters.account_id is not None, chart.by_account),
        )
        if is_asked and not follows
    ]
    described = {
        "name": chart.name,
        "title": chart.title,
        "mart": chart.mart,
        "definition": definitions.of(chart),
        "note": " ".join(filter(None, notes)),
        "when_empty": chart.when_empty,
        "ignores": ignored,
        "columns": [
            {
                "key": column.key,
                "label": column.label,
                "kind": column.kind,
                "definition": of_columns[column.name],
            }
            for column in shown_columns(chart, filters)
        ],
        "sql": show_query(connection, sql_root, chart, filters),
        "rows": [],
        "without_rate": [],
    }
    try:
        with connection.transaction():  # a savepoint: one that fails leaves the others be
            patience.limit(connection)
            answer = ask(connection, sql_root, chart, filters)
        return described | {"rows": answer.rows, "without_rate": answer.without_rate}
    except psycopg.Error as error:
        if connection.broken:
            raise
        return described | explain(error).as_json()
