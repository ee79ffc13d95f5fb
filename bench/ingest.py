"""How fast events come from Stripe's API into committed raw.event, and in how much memory.

Run with: python -m bench.ingest.
Pages rendered beforehand come from a server in its own process. Each run is a process of its own; the ways take
turns, so that a busy moment of the machine hits all of them; the table shows medians.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.page_server import page_server
from bench.warehouse import bench_warehouse

ROOT = Path(__file__).parent.parent
TITLES = {
    "ours": "tallyhouse",
    "plain_http": "httpx + orjson + COPY, nothing checked",
    "sdk_objects": "stripe SDK objects (auto_paging_iter) + COPY",
}


def run(way: str, base_url: str, conninfo: str) -> dict[str, float]:
    """One run of one way, in a process of its own."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    finished = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.ways_in", way, base_url, conninfo],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return result


def compare(events: int, slow_events: int, repetitions: int, conninfo: str) -> Table:
    """Events per second of each way; the slow one reads fewer events."""
    sizes = {"ours": events, "plain_http": events, "sdk_objects": slow_events}
    speeds: dict[str, list[float]] = {way: [] for way in sizes}
    peaks: dict[str, list[float]] = {way: [] for way in sizes}
    with page_server(events) as (many, event_bytes), page_server(slow_events) as (few, _):
        for _ in range(repetitions):
            for way, size in sizes.items():
                result = run(way, many if size == events else few, conninfo)
                if result["events"] != size:
                    raise RuntimeError(f"{way} committed {result['events']} of {size} events")
                speeds[way].append(result["events"] / result["seconds"])
                peaks[way].append(result["peak_mb"])
    table = Table(
        title=f"API to committed raw.event, one process, events of {event_bytes:,} bytes, median of {repetitions}"
    )
    for heading in ("way", "events", "events/s", "slowest to fastest", "against ours", "peak memory"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for way, size in sizes.items():
        speed = median(speeds[way])
        table.add_row(
            TITLES[way],
            f"{size:,}",
            f"{speed:,.0f}",
            f"{min(speeds[way]):,.0f} to {max(speeds[way]):,.0f}",
            f"{speed / median(speeds['ours']):.2f}",
            f"{max(peaks[way]):,.0f} MB",
        )
    return table


def memory(sizes: list[int], conninfo: str) -> Table:
    """Peak memory of the whole process that stages one window, by the window's size."""
    table = Table(title="Peak memory of staging one window")
    for heading in ("events", "events/s", "peak memory"):
        table.add_column(heading, justify="right")
    for size in sizes:
        with page_server(size) as (base_url, _):
            result = run("ours", base_url, conninfo)
        speed = result["events"] / result["seconds"]
        table.add_row(f"{size:,}", f"{speed:,.0f}", f"{result['peak_mb']:,.0f} MB")
    return table


def main() -> None:
    """Runs the bench and prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--slow-events", type=int, default=5_000, help="for the SDK's object layer")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--window-sizes", type=int, nargs="*", default=[50_000, 500_000])
    parser.add_argument("--postgres", type=int, default=18, help="version from the wheel: 16 or 18")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, PostgreSQL {options.postgres}"
    )
    with bench_warehouse(options.postgres) as conninfo:
        console.print(compare(options.events, options.slow_events, options.repetitions, conninfo))
        if options.window_sizes:
            console.print(memory(options.window_sizes, conninfo))


if __name__ == "__main__":
    main()
