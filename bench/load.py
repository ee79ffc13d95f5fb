"""Raw events to all dims and facts: in bulk, and the same hourly batch into a small and into a large warehouse.

`python -m bench.load [--large 5000000 --known-customers 500000]`. The events are those of a simulated company's last 30
days (3.4 KB each), staged through the library, then copied under other ids, a batch a copy, over twelve months, with
the creation of their objects. Customers of whom no event tells are known from a list. In the hourly batch every other
object is one that the warehouse has already. An hourly run is all models and the checks of layer load, as in the DAG
warehouse; the staging of its events is measured by `bench.ingest`. Beside the seconds of the clock stand those that the
database used a processor: other programs on the machine change the former, and hardly the latter.
"""

import argparse
import statistics
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from bench.warehouse import SQL_ROOT, bench_warehouse
from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread
from tallyhouse import ingest
from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.client import StripeClient
from tallyhouse.objects import MODELS
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_released, release_batches

NOW = "2026-06-30T12:00:00Z"
SMALL_BATCH = 5_000
LISTED_AT_ONCE = 5_000

# A copy under new ids, months earlier; but of every `updates`-th object only the event is new, and later: an update of
# an object that is there.
COPY = """
    insert into raw.event
    select
        account_id,
        livemode,
        event_id || %(copy)s,
        type,
        case when is_update then created_at + %(number)s * interval '1 hour' else created_at - %(months)s end,
        listing_order,
        api_version,
        object_type,
        case when is_update then object_id else object_id || %(copy)s end,
        case
            when is_update then payload
            -- what is months earlier was also created months earlier
            else coalesce(
                jsonb_set(
                    renamed,
                    '{data,object,created}',
                    to_jsonb((renamed #>> '{data,object,created}')::bigint - %(seconds)s)
                ),
                renamed
            )
        end,
        %(batch_id)s
    from (
        select *, %(updates)s > 0 and abs(hashtext(object_id)) %% greatest(%(updates)s, 1) = 0 as is_update
        from raw.event
        where batch_id = any(%(base)s)
        order by hashtext(event_id)
        limit %(rows)s
    ) as base
    cross join lateral (
        select regexp_replace(payload::text, %(ids)s, %(renamed)s, 'g')::jsonb as renamed
    ) as copy
"""


# Customers that a backfill listed, a batch a slice: copies of those that events tell of, under ids of their own.
LISTED_CUSTOMERS = """
    insert into raw.object (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
    select
        account_id,
        livemode,
        object_type,
        object_id || 'k' || number,
        created_at,
        jsonb_set(body, '{id}', to_jsonb(object_id || 'k' || number)),
        %(batch_id)s
    from (
        select
            account_id, livemode, object_type, object_id, created_at, payload #> '{data,object}' as body,
            count(*) over () as found
        from raw.event
        where batch_id = any(%(base)s) and type = 'customer.created'
    ) as base
    cross join lateral generate_series(%(after)s + 1, %(after)s + %(rows)s / found + 1) as number
    limit %(rows)s
"""

# The ids of a copy: all but those of the account and of the few products and prices, which copies share.
COPIED_IDS = r'"((?:ch|cus|evt|il|in|inpay|pi|pm|py|re|si|sub|txn)_[A-Za-z0-9]+)"'


class Cost(NamedTuple):
    """What something took: seconds of the clock, and seconds in which the database's process had a processor."""

    seconds: float
    cpu: float

    def since(self, began: "Cost") -> "Cost":
        """What was spent between two readings."""
        return Cost(self.seconds - began.seconds, self.cpu - began.cpu)


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of several costs."""
    seconds, cpu = zip(*costs, strict=True)
    return Cost(sum(seconds), sum(cpu))


class Bench:
    """One warehouse that grows by copies of the same 30 days."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        # the first number there: nanoseconds on a processor (models read temporary tables: no other process helps)
        self.used = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        self.copies = 0
        self.base: list[int] = []
        self.account_id = ""

    def stage_base(self, customers: int) -> int:
        """Stages a simulated company's last 30 days; returns the number of events."""
        now = parse_instant(NOW)
        company = Company(7, int(now - 540 * 86_400), customers=customers, months=18)
        with (
            serve_in_thread(create_app(company, Clock(now, frozen=True), rate_limit=0)) as url,
            closing(StripeClient(DEFAULT_KEY, api_base=url, requests_per_second=None)) as client,
        ):
            account = client.account()
            self.account_id = account.account_id
            windows = ingest.plan_events(
                self.connection,
                client,
                account,
                lag=timedelta(minutes=1),
                overlap=timedelta(minutes=5),
                max_window=timedelta(days=31),
            )
            for window in windows:
                self.base.append(ingest.stage_events(self.connection, client, account, window, "bench").batch_id)
        self.connection.execute(
            "select ops.ensure_event_partitions(at - interval '400 days', at + interval '60 days') "
            "from (select %s::timestamptz as at) as newest",
            [NOW],
        )
        self.connection.commit()
        return self.count()

    def count(self, rows: LiteralString = "raw.event") -> int:
        """Rows of a relation: of the raw layer's events, unless told otherwise."""
        with self.connection.transaction():
            row = self.connection.execute(sql.SQL("select count(*) from ") + sql.SQL(rows)).fetchone()
        return row[0] if row else 0

    def open_batch(self, source: str) -> int | None:
        """A batch without rows, in the caller's transaction."""
        row = self.connection.execute(
            """
            insert into ops.batch (account_id, livemode, source, run_id, started_at)
            values (%s, false, %s, 'bench', now()) returning batch_id
            """,
            [self.account_id, source],
        ).fetchone()
        return row[0] if row else None

    def list_customers(self, customers: int) -> None:
        """Adds customers, known from a list, until the warehouse will hold that many."""
        self.load()
        missing = customers - self.count("dwh.customer_dim where is_current")
        for listed in range(0, missing, LISTED_AT_ONCE):
            with self.connection.transaction():
                parameters = {
                    "base": self.base,
                    # copies of one slice have numbers of their own
                    "after": listed,
                    "rows": min(LISTED_AT_ONCE, missing - listed),
                    "batch_id": self.open_batch("list"),
                }
                self.connection.execute(LISTED_CUSTOMERS, parameters)
        self.connection.execute("analyze raw.object")
        self.connection.commit()

    def grow(self, rows: int, updates: int = 0) -> None:
        """Adds one batch: a copy of that many events; every `updates`-th object is one that is there already."""
        self.copies += 1
        with self.connection.transaction():
            self.connection.execute(
                COPY,
                {
                    "copy": f"x{self.copies}",
                    "number": self.copies,
                    "months": timedelta(days=30) * (self.copies % 12),
                    "seconds": 30 * 86_400 * (self.copies % 12),
                    "updates": updates,
                    "ids": COPIED_IDS,
                    "renamed": rf'"\1x{self.copies}"',
                    "batch_id": self.open_batch("events"),
                    "base": self.base,
                    "rows": rows,
                },
            )

    def grow_to(self, events: int, at_once: int) -> None:
        """Adds whole copies until there are at least that many events."""
        missing = events - self.count()
        while missing > 0:
            self.grow(min(at_once, missing))
            missing -= at_once
        self.connection.execute("analyze")
        self.connection.commit()

    def spent(self) -> Cost:
        """Readings of the clock and of the database's process."""
        return Cost(time.perf_counter(), int(self.used.read_text().split()[0]) / 1e9)

    def load(self) -> dict[str, Cost]:
        """Applies what is pending; returns the cost of each model."""
        costs = {}
        release_batches(self.connection)
        for model in MODELS:
            began = self.spent()
            apply_released(self.connection, SQL_ROOT, [model])
            costs[model.name] = self.spent().since(began)
        return costs

    def check(self, layer: str) -> dict[str, Cost]:
        """Runs the checks of a layer; returns the cost of each. Contradictions are the copies' own doing."""
        costs = {}
        for item in read_checks(SQL_ROOT):
            if item.layer == layer:
                began = self.spent()
                results = run_checks(self.connection, [item], "bench")
                costs[f"check {item.name}"] = self.spent().since(began)
                if item.name != "event_order_holds":
                    require_passed(results)
        return costs

    def rebuild(self) -> Cost:
        """Makes all dims and facts anew; what that changes would be a defect."""
        began = self.spent()
        changes = rebuild(self.connection, SQL_ROOT)
        cost = self.spent().since(began)
        wrong = [change.describe() for change in changes if change.removed or change.added]
        if wrong:
            raise SystemExit(f"the rebuild differs from the loads: {'; '.join(wrong)}")
        return cost

    def hourly(self, repetitions: int) -> dict[str, Cost]:
        """Median cost of each model and check for a batch of 5,000 events into the warehouse as it is."""
        self.load()
        runs = []
        for _ in range(repetitions):
            self.grow(SMALL_BATCH, updates=2)
            runs.append(self.load() | self.check("load"))
        return {
            name: Cost(*(statistics.median(part) for part in zip(*(run[name] for run in runs), strict=True)))
            for name in runs[0]
        }


def main() -> None:
    """Runs the bench and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=50_000, help="events in the small warehouse")
    parser.add_argument("--large", type=int, default=2_000_000, help="events in the large warehouse")
    parser.add_argument("--customers", type=int, default=4_000, help="customers of the simulated company")
    parser.add_argument("--known-customers", type=int, default=0, help="customers in the large warehouse, at least")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    console = Console()

    def tell(what: str, costs: dict[str, Cost]) -> None:
        # hours may lie between the first step and the table
        cost = total(costs.values())
        console.print(f"{what}: {cost.seconds:.2f} s, {cost.cpu:.2f} s of the processor")

    with bench_warehouse() as conninfo, psycopg.connect(conninfo) as connection:
        bench = Bench(connection)
        base = bench.stage_base(arguments.customers)
        console.print(f"base: {base:,} events of 30 days")
        bench.grow_to(arguments.small, base)
        bulk_events = bench.count()
        bulk = bench.load()
        small = bench.hourly(arguments.repetitions)
        tell(f"an hourly run into {arguments.small:,} events", small)
        bench.grow_to(arguments.large, base)
        pending = bench.count() - bulk_events - arguments.repetitions * SMALL_BATCH
        console.print(f"grown to {bench.count():,} events")
        large_bulk = bench.load()
        tell(f"bulk, of {pending:,} events", large_bulk)
        bench.list_customers(arguments.known_customers)
        bench.load()
        customers = bench.count("dwh.customer_dim where is_current")
        console.print(f"{customers:,} customers")
        large = bench.hourly(arguments.repetitions)
        tell(f"an hourly run into {arguments.large:,} events", large)
        whole = bench.check("dwh")
        tell("checks of whole tables", whole)
        events = bench.count()
        rebuilt = bench.rebuild()

    table = Table(title="Raw events to all dims and facts")
    table.add_column("what")
    table.add_column("events", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("processor", justify="right")
    table.add_column("events/s", justify="right")
    for what, loaded, costs in (
        ("bulk, into an empty warehouse", bulk_events, bulk),
        (f"bulk, up to {arguments.large:,} events", pending, large_bulk),
        (f"an hourly run into {arguments.small:,} events", SMALL_BATCH, small),
        (f"an hourly run into {arguments.large:,} events", SMALL_BATCH, large),
        (f"a rebuild of {customers:,} customers", events, {"": rebuilt}),
    ):
        cost = total(costs.values())
        table.add_row(what, f"{loaded:,}", f"{cost.seconds:.2f}", f"{cost.cpu:.2f}", f"{loaded / cost.seconds:,.0f}")
    console.print(table)
    grown, started = total(large.values()), total(small.values())
    console.print(
        f"The same hourly run costs {grown.seconds / started.seconds:.2f} times as much in the large warehouse, "
        f"{grown.cpu / started.cpu:.2f} times as much of the processor."
    )
    console.print(
        "by part (processor: small, large): "
        + ", ".join(f"{name} {small[name].cpu:.3f} {large[name].cpu:.3f}" for name in small)
    )
    console.print(
        "whole tables, before the marts: " + ", ".join(f"{name} {c.seconds:.1f} s" for name, c in whole.items())
    )
    slowest = sorted(large_bulk.items(), key=lambda item: -item[1].seconds)
    console.print("by model (large bulk): " + ", ".join(f"{name} {c.seconds:.1f} s" for name, c in slowest))


if __name__ == "__main__":
    main()
