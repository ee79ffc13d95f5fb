"""How near a backfill comes to its limit of requests, against a server that answers as slowly as Stripe does.

Run with: python -m bench.backfill.
The server, in a process of its own, enforces the limit in two ways. "strict": more requests than that in any second
of the past are answered 429. "bucket": the simulator's own token bucket, which forgives a burst after a pause. Tasks
are processes of their own, as Airflow's are, and share their pace through the warehouse.
"""

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from rich.console import Console
from rich.table import Table

from bench.warehouse import bench_warehouse
from simulator.limits import RateLimiter
from tallyhouse.backfill import STREAMS, plan_backfill, stage_share
from tallyhouse.client import Account, StripeClient
from tallyhouse.shared_pacer import SharedPacer
from tallyhouse.windows import Window

ROOT = Path(__file__).parent.parent
KEY = "sk_test_tallyhouse"
ACCOUNT = Account("acct_bench", True, datetime(2026, 11, 1, tzinfo=UTC))
END = int(ACCOUNT.clock.timestamp())
EVERY_SECONDS = 600
"""A charge is created every ten minutes."""


class SlidingLimit:
    """Lets at most `rate` requests through in any stretch of one second."""

    def __init__(self, rate: int) -> None:
        self._passed: deque[float] = deque(maxlen=rate)
        self._lock = Lock()

    def take(self) -> bool:
        """Whether a request may pass; one that may not does not count."""
        with self._lock:
            now = time.monotonic()
            if len(self._passed) == self._passed.maxlen and now - self._passed[0] < 1:
                return False
            self._passed.append(now)
            return True


class BucketLimit:
    """The simulator's limit of one endpoint."""

    def __init__(self, rate: int) -> None:
        self._limiter = RateLimiter(rate, global_rate=rate)
        self._lock = Lock()

    def take(self) -> bool:
        """Whether a request may pass; one that may not does not count."""
        with self._lock:
            return self._limiter.take("charges") is None


LIMITS: dict[str, Callable[[int], SlidingLimit | BucketLimit]] = {"strict": SlidingLimit, "bucket": BucketLimit}


def serve(pipe: Connection, charges: int, limit_name: str, rate: int, latency: float) -> None:
    """Lists charges, newest first, each page after `latency` seconds; sends its port through the pipe."""
    limit = LIMITS[limit_name](rate)

    def page(query: dict[str, list[str]]) -> bytes:
        low, high = (int(query[name][0]) for name in ("created[gte]", "created[lt]"))
        after = query.get("starting_after")
        size = int(query["limit"][0])
        first = max(0, -(-(END - high + 1) // EVERY_SECONDS))
        if after:
            first = int(after[0].removeprefix("ch_")) + 1
        beyond = min(charges, (END - low) // EVERY_SECONDS + 1)
        data = [
            {"id": f"ch_{n}", "object": "charge", "created": END - n * EVERY_SECONDS, "amount": 100, "note": "x" * 1500}
            for n in range(first, min(first + size, beyond))
        ]
        return json.dumps({"object": "list", "data": data, "has_more": first + size < beyond}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            passes = limit.take()
            body = page(parse_qs(urlsplit(self.path).query)) if passes else b'{"error": {"message": "Too many"}}'
            time.sleep(latency)
            self.send_response_only(200 if passes else 429)
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


@contextmanager
def slow_stripe(charges: int, limit_name: str, rate: int, latency: float) -> Iterator[str]:
    """The server's base URL while the block runs."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    arguments = (theirs, charges, limit_name, rate, latency)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def work(conninfo: str, base_url: str, run_id: str, share: int, streams: int, rate: float) -> None:
    """One task: what Airflow's process does, without Airflow."""

    def connect() -> psycopg.Connection:
        return psycopg.connect(conninfo)

    with (
        closing(StripeClient(KEY, api_base=base_url, account_id=ACCOUNT.account_id)) as client,
        closing(SharedPacer(connect, ACCOUNT.account_id, ACCOUNT.livemode, rate)) as pacer,
    ):
        client.pace_with(pacer)
        stage_share(connect, client, ACCOUNT, run_id, share, streams=streams)


def measure(conninfo: str, base_url: str, *, charges: int, tasks: int, streams: int, rate: int) -> dict[str, float]:
    """Plans and lists everything with so many processes of so many streams; what it took."""
    run_id = f"{tasks}x{streams} {time.time()}"
    window = Window(ACCOUNT.clock - timedelta(seconds=(charges + 1) * EVERY_SECONDS), ACCOUNT.clock + timedelta(days=1))
    with psycopg.connect(conninfo) as conn:
        with closing(StripeClient(KEY, api_base=base_url, requests_per_second=rate * 0.9)) as client:
            plan_backfill(conn, client, ACCOUNT, run_id, ["charge"], window, rows_per_slice=500, is_everything=False)
        with conn.transaction():
            conn.execute(
                "update ops.planned_batch set share = planned_batch_id %% %s where run_id = %s", [tasks, run_id]
            )
        time.sleep(1.1)  # what the plan asked is no matter any more
        command = [
            sys.executable,
            "-m",
            "bench.backfill",
            "--work",
            conninfo,
            base_url,
            run_id,
            str(streams),
            str(rate),
        ]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
        processes = [
            subprocess.Popen([*command, str(share)], cwd=ROOT, env={**os.environ, "PYTHONPATH": paths})  # noqa: S603
            for share in range(tasks)
        ]
        for process in processes:
            if process.wait():
                raise RuntimeError(f"a task of {run_id} failed")
        row = conn.execute(
            "select sum(call_count)::float8, sum(throttled_count)::float8, sum(row_count)::float8, "
            "extract(epoch from max(committed_at) - min(started_at))::float8 from ops.batch where run_id = %s",
            [run_id],
        ).fetchone()
        conn.rollback()
    assert row is not None  # noqa: S101 - an aggregate has one row
    calls, throttled, found, seconds = row
    if found != charges:
        raise RuntimeError(f"{run_id} listed {found:,.0f} of {charges:,} charges")
    return {"calls": calls, "throttled": throttled, "rows": found, "seconds": seconds}


def compare(conninfo: str, ways: Sequence[str], charges: int, limit_name: str, rate: int, latency: float) -> Table:
    """Requests per second of each way, tasks x streams; what is slower by design lists an eighth."""
    load = os.getloadavg()[0]
    table = Table(
        title=f"Backfill, limit {rate} requests/s ({limit_name}), {latency:.2f} s an answer, machine's load {load:.1f}"
    )
    for heading in (
        "tasks x streams",
        "objects",
        "requests",
        "seconds",
        "requests/s",
        "of the limit",
        "429",
        "objects/s",
    ):
        table.add_column(heading, justify="right")
    for way in ways:
        tasks, streams = map(int, way.split("x"))
        size = charges if tasks * streams > STREAMS else max(500, charges // 8)
        with slow_stripe(size, limit_name, rate, latency) as base_url:
            found = measure(conninfo, base_url, charges=size, tasks=tasks, streams=streams, rate=rate)
        with psycopg.connect(conninfo) as conn:
            conn.execute("truncate raw.object, ops.batch, ops.planned_batch, ops.rate_limit")
        speed = found["calls"] / found["seconds"]
        table.add_row(
            f"{tasks} x {streams}",
            f"{found['rows']:,.0f}",
            f"{found['calls']:,.0f}",
            f"{found['seconds']:.1f}",
            f"{speed:.1f}",
            f"{speed / rate:.0%}",
            f"{found['throttled'] / found['calls']:.2%}",
            f"{found['rows'] / found['seconds']:,.0f}",
        )
    return table


def main() -> None:
    """Runs the bench and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--charges", type=int, default=150_000, help="a hundred a page (default %(default)s)")
    parser.add_argument("--ways", nargs="*", default=["3x8"], help="tasks x streams, such as 1x1 1x8; 3x8 is the DAG's")
    parser.add_argument("--limits", nargs="*", choices=LIMITS, default=list(LIMITS), help="how the server counts")
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--latency", type=float, nargs="*", default=[0.2, 0.4])
    parser.add_argument("--postgres", type=int, default=18, help="version from the wheel: 16 or 18")
    parser.add_argument("--work", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        conninfo, base_url, run_id, streams, rate, share = options.work
        work(conninfo, base_url, run_id, int(share), int(streams), float(rate))
        return
    console = Console(width=120)
    console.print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, PostgreSQL {options.postgres}")
    with bench_warehouse(options.postgres) as conninfo:
        for limit_name in options.limits:
            for latency in options.latency:
                table = compare(conninfo, options.ways, options.charges, limit_name, options.rate, latency)
                console.print(table)


if __name__ == "__main__":
    main()
