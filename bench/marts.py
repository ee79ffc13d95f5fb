"""All marts of a large business: how long a refresh takes, and how little of their bases an hourly run makes anew.

`python -m bench.marts [--customers 1000000 --charges 10000000 --months 24]`. The business is made by
`bench.large_business`. Then the ledger of MRR, its movements and the payments of customers are made from it, and all
marts are refreshed, readers undisturbed, on two connections, each mart after those that it reads, as the DAG does:
once with all the rows new, once after an hourly run that changed 5,000 customers, and once more with nothing new.
Beside the seconds of the clock stand those in which the connection's process had a processor (not its parallel
workers): other programs on the machine change the former, and hardly the latter. Memory is what all processes of the
server held at one moment: their own, and the shared once.
"""

import argparse
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from bench.large_business import DRIVERS, HOURLY, HOURLY_CHANGES, SMALL_TABLES, TABLES
from bench.warehouse import SQL_ROOT, bench_warehouse
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, mart_upstream, refresh_statement

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
BASES = ("mrr_change_fact", "mrr_movement_fact", "customer_payment_fact")
"""Models that follow what changed, and are most of what the marts read."""
CONNECTIONS = 2
# While the tables are filled nothing is worth keeping after a crash. The figures are taken with the usual settings.
CARELESS = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB", "autovacuum": "off"}

Job = TypeVar("Job")
console = Console()


@dataclass(frozen=True)
class Spent:
    """Seconds of the clock and of the processor."""

    clock: float
    processor: float


def say(text: str) -> None:
    """A line of progress, with the time."""
    console.print(f"{datetime.now(tz=UTC):%H:%M:%S} {text}", highlight=False)


class Bench:
    """A warehouse that holds what the marts read."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo

    def run(self, *statements: LiteralString, **parameters: object) -> None:
        """Runs the statements in one transaction."""
        with psycopg.connect(self.conninfo) as connection:
            for statement in statements:
                connection.execute(statement, parameters or None)

    def fill(self, customers: int, charges: int, months: int) -> None:
        """Makes the rows, on two connections, and their indexes after them."""
        self._configure(**CARELESS)
        self.run(
            "insert into ops.batch (account_id, livemode, source, run_id, started_at, asked_to, row_count) "
            "values ('acct_bench', true, 'events', 'bench', now(), %(end)s, 1)",
            "insert into ops.watermark (account_id, livemode, stream, through) "
            "values ('acct_bench', true, 'events', %(end)s)",
            "select ops.ensure_event_partitions(%(end)s - interval '30 days' * (%(months)s + 1), %(end)s)",
            end=END,
            months=months,
        )
        with psycopg.connect(self.conninfo) as connection:
            apply_models(
                connection, SQL_ROOT, [model for model in MODELS if model.name in ("date_dim", "currency_dim")]
            )
        self.mark_applied()
        each = max(1, charges // customers)
        for statement in DRIVERS:
            with psycopg.connect(self.conninfo) as connection:
                connection.execute("set work_mem = '512MB'")
                parameters = {"end": END, "customers": customers, "months": months, "each": each}
                used = {name: value for name, value in parameters.items() if f"%({name})s" in statement}
                connection.execute(statement, used or None)
        say("customers, subscriptions and payments are drawn")
        in_parallel(TABLES, lambda table: self._fill_table(*table))
        self.run(SMALL_TABLES)
        say("small tables are filled")
        self._configure(**dict.fromkeys(CARELESS))

    def _fill_table(self, table: str, statement: LiteralString) -> None:
        began = time.perf_counter()
        with psycopg.connect(self.conninfo) as connection:
            connection.execute("set maintenance_work_mem = '512MB'; set max_parallel_maintenance_workers = 0")
            keys = connection.execute(
                "select format('alter table %%s drop constraint %%I', conrelid::regclass, conname), "
                "format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname, "
                "pg_get_constraintdef(oid)) from pg_constraint "
                "where conrelid = %(table)s::regclass and contype in ('p', 'u') "
                "union all select format('drop index %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid) "
                "from pg_index as i where i.indrelid = %(table)s::regclass "
                "and not exists (select 1 from pg_constraint where conindid = i.indexrelid)",
                {"table": table},
            ).fetchall()
            for drop, _ in keys:
                connection.execute(drop)
            rows = connection.execute(statement).rowcount
            for _, make in keys:
                connection.execute(make)
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(*table.split("."))))
        say(f"{table}: {rows:,} rows in {time.perf_counter() - began:.0f} s")

    def _configure(self, **settings: str | None) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            for name, value in settings.items():
                connection.execute(
                    sql.SQL("alter system reset {}").format(sql.Identifier(name))
                    if value is None
                    else sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value))
                )
            connection.execute("select pg_reload_conf()")
            connection.execute("checkpoint")

    def mark_applied(self) -> None:
        """Every batch counts as applied by the models that the bench does not run."""
        self.run(
            "insert into ops.batch_applied (model, batch_id, object_count, row_count) "
            "select model, batch_id, 0, 0 from unnest(%(models)s::text[]) as model cross join ops.batch "
            "on conflict do nothing",
            models=[model.name for model in MODELS if model.name not in BASES],
        )

    def change(self, changed: int) -> None:
        """What an hourly run would have left to the bases: that many subscriptions changed, their customers paid."""
        with psycopg.connect(self.conninfo) as connection:
            row = connection.execute(
                "insert into ops.batch (account_id, livemode, source, run_id, started_at, asked_to, row_count) "
                "values ('acct_bench', true, 'events', 'bench', now(), %s, 1) returning batch_id",
                [END],
            ).fetchone()
            parameters = {"end": END, "changed": changed, "batch": row[0] if row else 0}
            for statement in (HOURLY, *HOURLY_CHANGES):
                used = {name: value for name, value in parameters.items() if f"%({name})s" in statement}
                connection.execute(statement, used or None)
        self.mark_applied()

    def follow(self) -> dict[str, Spent]:
        """Applies what is pending to the bases: model -> what it took."""
        spent = {}
        for name in BASES:
            with psycopg.connect(self.conninfo) as connection:
                models = [model for model in MODELS if model.name == name]
                spent[name] = timed(connection, lambda: apply_models(connection, SQL_ROOT, models))  # noqa: B023
            say(f"{name}: {shown(spent[name])} s")
        return spent

    def refresh(self) -> tuple[dict[str, Spent], float]:
        """Refreshes all marts, two at a time: mart -> what it took, and the seconds of the clock for all."""
        upstream = mart_upstream(SQL_ROOT)
        spent: dict[str, Spent] = {}

        def refresh(mart: str) -> None:
            with psycopg.connect(self.conninfo) as connection:
                spent[mart] = timed(connection, lambda: run_committed(connection, refresh_statement(mart)))
            say(f"{mart}: {shown(spent[mart])} s")

        began = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            running: dict[Future[None], str] = {}
            started: set[str] = set()
            while len(spent) < len(upstream):
                ready = [m for m in upstream if m not in started and all(other in spent for other in upstream[m])]
                # what more marts wait for goes first, as in Airflow
                ready.sort(key=lambda mart: -len(waiting_for(mart, upstream)))
                for mart in ready[: CONNECTIONS - len(running)]:
                    started.add(mart)
                    running[pool.submit(refresh, mart)] = mart
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    future.result()
        return spent, time.perf_counter() - began

    def count(self, relation: str) -> int:
        """Rows of a relation."""
        with psycopg.connect(self.conninfo) as connection:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(*relation.split(".")))
            row = connection.execute(query).fetchone()
        return row[0] if row else 0


def run_committed(connection: psycopg.Connection, statement: str) -> None:
    """Runs it in a transaction of its own."""
    with connection.transaction():
        connection.execute(sql.SQL(statement))


def waiting_for(mart: str, upstream: dict[str, list[str]]) -> set[str]:
    """Marts that read a mart, directly or not."""
    direct = {name for name, reads in upstream.items() if mart in reads}
    return direct.union(*(waiting_for(name, upstream) for name in direct))


def in_parallel(jobs: Iterable[Job], run: Callable[[Job], None]) -> None:
    """Runs the jobs on two connections; raises what the first that fails raises."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for future in [pool.submit(run, job) for job in jobs]:
            future.result()


def timed(connection: psycopg.Connection, run: Callable[[], object]) -> Spent:
    """What a call took, by the clock, and by the processor for the connection's own process."""
    pid = connection.info.backend_pid
    used, began = processor_seconds(pid), time.perf_counter()
    run()
    return Spent(time.perf_counter() - began, processor_seconds(pid) - used)


def processor_seconds(pid: int) -> float:
    """Seconds that a process has had a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class MemoryWatch:
    """Looks five times a second at what the server's processes hold; `peak` is the most, in megabytes."""

    def __init__(self, conninfo: str) -> None:
        with psycopg.connect(conninfo) as connection:
            stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
        self.postmaster = int(stat.rpartition(")")[2].split()[1])
        self.peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            held = [self._held(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
            own, shared = sum(own for own, _ in held), max(shared for _, shared in held)
            self.peak = max(self.peak, (own + shared) / 1024)

    def _held(self, pid: int) -> tuple[int, int]:
        """Kilobytes of its own and shared ones, of a process of the server; 0 for others, and for those that ended."""
        with suppress(OSError):
            status = dict(re.findall(r"^(\w+):\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
            if self.postmaster in (pid, int(status["PPid"])):
                return int(status.get("RssAnon", 0)), int(status.get("RssShmem", 0))
        return 0, 0


def main() -> None:
    """Runs the bench and prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--charges", type=int, default=10_000_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--changed", type=int, default=5_000, help="customers whom an hourly run changes")
    arguments = parser.parse_args()
    with bench_warehouse() as conninfo:
        bench = Bench(conninfo)
        began = time.perf_counter()
        bench.fill(arguments.customers, arguments.charges, arguments.months)
        say(f"filled in {time.perf_counter() - began:.0f} s")
        with MemoryWatch(conninfo) as of_bases:
            whole = bench.follow()
        with MemoryWatch(conninfo) as of_marts:
            first, first_seconds = bench.refresh()
            say(f"all marts: {first_seconds:.0f} s")
            bench.change(arguments.changed)
            part = bench.follow()
            hourly, hourly_seconds = bench.refresh()
            say(f"all marts after an hourly run: {hourly_seconds:.0f} s; memory at most {of_marts.peak:,.0f} MB")
            again, again_seconds = bench.refresh()
            say(f"all marts again: {again_seconds:.0f} s")
        rows = {name: bench.count(f"mart.{name}") for name in first}
        base_rows = {name: bench.count(f"dwh.{name}") for name in BASES}

    table = Table(title=f"Bases, seconds of the clock (and of the processor); {arguments.changed:,} customers changed")
    for column in ("base", "rows", "whole", "after an hourly run", "share"):
        table.add_column(column, justify="left" if column == "base" else "right")
    for name in BASES:
        share = part[name].processor / max(whole[name].processor, 0.01)
        table.add_row(name, f"{base_rows[name]:,}", shown(whole[name]), shown(part[name]), f"{share:.3f}")
    console.print(table)
    table = Table(title="Refresh of the marts, seconds of the clock (and of the processor)")
    for column in ("mart", "rows", "first", "after an hourly run", "again"):
        table.add_column(column, justify="left" if column == "mart" else "right")
    for name in sorted(first, key=lambda mart: -hourly[mart].processor):
        table.add_row(name, f"{rows[name]:,}", shown(first[name]), shown(hourly[name]), shown(again[name]))
    totals = [
        shown(Spent(clock, sum(spent.processor for spent in marts.values())))
        for marts, clock in ((first, first_seconds), (hourly, hourly_seconds), (again, again_seconds))
    ]
    table.add_row("all, two at a time", "", *totals)
    console.print(table)
    console.print(f"memory at most {of_marts.peak:,.0f} MB for the marts, {of_bases.peak:,.0f} MB for the whole bases")


def shown(spent: Spent) -> str:
    """Both, for a table."""
    return f"{spent.clock:.1f} ({spent.processor:.1f})"


if __name__ == "__main__":
    main()
