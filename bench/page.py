"""The Revenue page of a company of the demo's size: its first paint, all of its charts, and the time of each query.

`python -m bench.page [--customers 2000 --charges 18000 --months 18]`. The company is made by `bench.large_business`,
and its marts as by `bench.marts`. The page is served as Airflow serves it, but for Airflow itself around it: who may
read is not asked, and no runs are told. A Chromium opens it anew for each time, with nothing kept; the queries are
asked for as the page asks for them, by month and by quarter, of one currency and of all, over all months. Medians of
the times, and the fastest in brackets: other programs on the machine change the former, and hardly the latter.
"""

import argparse
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from functools import partial

import psycopg
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.marts import Bench
from bench.warehouse import SQL_ROOT, bench_warehouse
from simulator.server import serve_in_thread
from tallyhouse.revenue.answers import ask
from tallyhouse.revenue.charts import CHARTS
from tallyhouse.revenue.filters import EVERY_CURRENCY, Filters, read_filters, read_reporting, read_slices
from tallyhouse.revenue.reading import reading
from tallyhouse.revenue.status import LastRun, read_status
from tallyhouse.revenue.web import create_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VIEWS = {
    "usd, month": {"currency": "usd"},
    "usd, quarter": {"currency": "usd", "by": "quarter"},
    "all, month": {"currency": EVERY_CURRENCY},
    "all, quarter": {"currency": EVERY_CURRENCY, "by": "quarter"},
}
"""What is asked for, beside all months."""

MARKS = """() => [
    performance.getEntriesByName("first-contentful-paint")[0].startTime,
    performance.getEntriesByType("resource").find((each) => each.name.includes("/data")).responseEnd,
    Number(document.documentElement.dataset.ready),
]"""
"""Milliseconds since the page was asked for: first paint; all numbers there; all charts drawn."""

console = Console()


class NoRuns:
    """Where there is no Airflow, nothing has run."""

    def last(self) -> list[LastRun]:
        """None."""
        return []

    def dags_of(self, run_ids: Collection[str]) -> dict[str, str]:
        """None."""
        return {}


Times = Sequence[float]
"""Milliseconds, of one thing again and again."""


def shown(times: Times) -> str:
    """The median, and the fastest."""
    return f"{statistics.median(times):,.0f} ({min(times):,.0f})"


def timed(run: Callable[[], object], times: int) -> Times:
    """What each of so many calls took."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        spent.append((time.perf_counter() - began) * 1000)
    return spent


def time_queries(connection: psycopg.Connection, times: int) -> dict[str, list[Times]]:
    """Chart, or status -> what it takes in each of VIEWS."""
    slices, reporting = read_slices(connection), read_reporting(connection)
    first = f"{min(item.first_month for item in slices):%Y-%m}"
    asked: list[Filters] = [read_filters(slices, reporting, {"from": first} | view) for view in VIEWS.values()]
    found = {
        chart.name: [timed(partial(ask, connection, SQL_ROOT, chart, filters), times) for filters in asked]
        for chart in CHARTS
    }
    status = partial(read_status, connection, asked[0].livemode, None)
    return found | {"status": [timed(status, times)] * len(VIEWS)}


def time_page(browser: Browser, url: str, times: int) -> list[Times]:
    """Each of MARKS, after one load that is not counted: the server's first."""
    found = []
    for _ in range(times + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        found.append(page.evaluate(MARKS))
        context.close()
    return list(zip(*found[1:], strict=True))


def main() -> None:
    """Runs the bench and prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--charges", type=int, default=18_000)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--times", type=int, default=9)
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is installed (Debian, Ubuntu: apt install chromium).")
    with bench_warehouse() as conninfo:
        bench = Bench(conninfo)
        bench.fill(arguments.customers, arguments.charges, arguments.months)
        bench.follow()
        bench.refresh()

        def connect() -> closing[psycopg.Connection]:
            return closing(psycopg.connect(conninfo))

        with reading(connect) as connection:
            queries = time_queries(connection, arguments.times)
        app = create_app(connect, SQL_ROOT, lambda: None, NoRuns)
        with serve_in_thread(app) as url, sync_playwright() as playwright:
            # as root, in a container, it cannot put itself into a sandbox
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            views = {"usual": "", "all months": "&from=2025-01", "all currencies": f"&currency={EVERY_CURRENCY}"}
            pages = {name: time_page(browser, f"{url}/?{search}", arguments.times) for name, search in views.items()}
            browser.close()
        load = os.getloadavg()[0]

    size = f"{arguments.customers:,} customers, {arguments.charges:,} charges, {arguments.months} months"
    table = Table(title=f"The page, milliseconds since it was asked for; {size}")
    for column in ("view", "first paint", "numbers there", "charts drawn"):
        table.add_column(column, justify="left" if column == "view" else "right")
    for name, marks in pages.items():
        table.add_row(name, *map(shown, marks))
    console.print(table)
    table = Table(title="Queries over all months, milliseconds")
    for column in ("chart", *VIEWS):
        table.add_column(column, justify="left" if column == "chart" else "right")
    for name, spent in queries.items():
        table.add_row(name, *map(shown, spent))
    # all of them in the first turn, in the second, ...
    turns = [[sum(turn) for turn in zip(*view, strict=True)] for view in zip(*queries.values(), strict=True)]
    table.add_row("all", *map(shown, turns))
    console.print(table)
    console.print(f"load of the machine {load:.1f}")


if __name__ == "__main__":
    main()
