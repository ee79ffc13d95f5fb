"""Raw events to all dims and facts: in bulk, and the same small batch into a small and into a large warehouse.

`python -m bench.load [--large 2000000]`. The events are those of a simulated company's last 30 days (about 2.5 KB),
staged through the library, and then copied under other ids, a batch a copy, over twelve months. In the small batch
every other object is one that the warehouse has already.
"""

import argparse
import statistics
import time
from contextlib import closing
from datetime import timedelta

import psycopg
from rich.console import Console
from rich.table import Table

from bench.warehouse import SQL_ROOT, bench_warehouse
from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread
from tallyhouse import ingest
from tallyhouse.client import StripeClient
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models

NOW = "2026-06-30T12:00:00Z"
SMALL_BATCH = 5_000

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
        case when is_update then payload else regexp_replace(payload::text, %(ids)s, %(renamed)s, 'g')::jsonb end,
        %(batch_id)s
    from (
        select *, %(updates)s > 0 and abs(hashtext(object_id)) %% greatest(%(updates)s, 1) = 0 as is_update
        from raw.event
        where batch_id = any(%(base)s)
        order by hashtext(event_id)
        limit %(rows)s
    ) as base
"""


# The ids of a copy: all but those of the account and of the few products and prices, which copies share.
COPIED_IDS = r'"((?:ch|cus|evt|il|in|inpay|pi|pm|py|re|si|sub|txn)_[A-Za-z0-9]+)"'


class Bench:
    """One warehouse that grows by copies of the same 30 days."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
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

    def count(self) -> int:
        """Events in the raw layer."""
        row = self.connection.execute("select count(*) from raw.event").fetchone()
        self.connection.commit()
        return row[0] if row else 0

    def grow(self, rows: int, updates: int = 0) -> None:
        """Adds one batch: a copy of that many events; every `updates`-th object is one that is there already."""
        self.copies += 1
        with self.connection.transaction():
            row = self.connection.execute(
                """
                insert into ops.batch (account_id, livemode, source, run_id, started_at)
                values (%s, false, 'events', 'bench', now()) returning batch_id
                """,
                [self.account_id],
            ).fetchone()
            self.connection.execute(
                COPY,
                {
                    "copy": f"x{self.copies}",
                    "number": self.copies,
                    "months": timedelta(days=30) * (self.copies % 12),
                    "updates": updates,
                    "ids": COPIED_IDS,
                    "renamed": rf'"\1x{self.copies}"',
                    "batch_id": row[0] if row else None,
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

    def load(self) -> dict[str, float]:
        """Applies what is pending; returns the seconds of each model."""
        seconds = {}
        for model in MODELS:
            began = time.perf_counter()
            apply_models(self.connection, SQL_ROOT, [model])
            seconds[model.name] = time.perf_counter() - began
        return seconds

    def small_batch(self, repetitions: int) -> float:
        """Median seconds to load a batch of 5,000 events into the warehouse as it is."""
        self.load()
        times = []
        for _ in range(repetitions):
            self.grow(SMALL_BATCH, updates=2)
            times.append(sum(self.load().values()))
        return statistics.median(times)


def main() -> None:
    """Runs the bench and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=50_000, help="events in the small warehouse")
    parser.add_argument("--large", type=int, default=2_000_000, help="events in the large warehouse")
    parser.add_argument("--customers", type=int, default=4_000, help="customers of the simulated company")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    console = Console()
    with bench_warehouse() as conninfo, psycopg.connect(conninfo) as connection:
        bench = Bench(connection)
        base = bench.stage_base(arguments.customers)
        console.print(f"base: {base:,} events of 30 days")
        bench.grow_to(arguments.small, base)
        bulk_events = bench.count()
        bulk = bench.load()
        small = bench.small_batch(arguments.repetitions)
        bench.grow_to(arguments.large, base)
        pending = bench.count() - bulk_events - arguments.repetitions * SMALL_BATCH
        large_bulk = bench.load()
        large = bench.small_batch(arguments.repetitions)

    table = Table(title="Raw events to all dims and facts")
    table.add_column("what")
    table.add_column("events", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("events/s", justify="right")
    for what, events, seconds in (
        ("bulk, into an empty warehouse", bulk_events, sum(bulk.values())),
        (f"bulk, up to {arguments.large:,} events", pending, sum(large_bulk.values())),
        (f"a batch into {arguments.small:,} events", SMALL_BATCH, small),
        (f"a batch into {arguments.large:,} events", SMALL_BATCH, large),
    ):
        table.add_row(what, f"{events:,}", f"{seconds:.2f}", f"{events / seconds:,.0f}")
    console.print(table)
    console.print(f"The same batch costs {large / small:.2f} times as much in the large warehouse.")
    slowest = sorted(large_bulk.items(), key=lambda item: -item[1])
    console.print("by model (large bulk): " + ", ".join(f"{name} {s:.1f} s" for name, s in slowest))


if __name__ == "__main__":
    main()
