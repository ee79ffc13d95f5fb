"""The pipeline's progress: a table that changes on a terminal, a line when something changed elsewhere."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.airflow_api import DagRun
from demo.pipeline import Snapshot

ORDER = ("stripe_backfill", "stripe_events", "acquisition", "warehouse", "stripe_enrichment", "marts")
DONE_STATES = ("success", "skipped", "failed", "upstream_failed", "removed")
STYLES = {"success": "green", "failed": "bold red", "running": "yellow", "queued": "dim"}
PLAIN_SECONDS = 5.0


class Progress:
    """Shows snapshots; made by `showing`."""

    def __init__(self, console: Console, live: Live | None) -> None:
        self._console, self._live = console, live
        self._last_line, self._last_at = "", float("-inf")

    def show(self, snapshot: Snapshot) -> None:
        """Shows one snapshot, unless it would only repeat the last line."""
        if self._live is not None:
            self._live.update(table(snapshot))
            return
        text, now = line(snapshot), time.monotonic()
        if text != self._last_line and now - self._last_at >= PLAIN_SECONDS:
            self._console.print(f"{snapshot.elapsed:6.0f} s  {text}", highlight=False, soft_wrap=True)
            self._last_line, self._last_at = text, now


@contextmanager
def showing(console: Console) -> Iterator[Progress]:
    """A Progress for the console, for as long as the block lasts."""
    if not console.is_terminal:
        yield Progress(console, None)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield Progress(console, live)


def line(snapshot: Snapshot) -> str:
    """A snapshot in one line of plain text."""
    parts = [
        " ".join(filter(None, [dag_id, _state(run), _tasks(snapshot, run), _running(snapshot, run)]))
        for dag_id, run in _latest(snapshot).items()
    ]
    counts = snapshot.counts
    loaded = f"events {counts.events:,}, objects {counts.objects:,}, models {counts.models_done}/{counts.models}"
    return " | ".join([loaded, *parts])


def table(snapshot: Snapshot) -> RenderableType:
    """A snapshot as a table of DAGs and their latest runs."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2))
    for title in ("DAG", "run", "tasks", "loaded", "now"):
        shown.add_column(title, header_style="bold", no_wrap=True)
    latest, counts = _latest(snapshot), snapshot.counts
    loaded = {
        "stripe_backfill": f"{counts.objects:,} objects, {counts.list_batches} batches",
        "stripe_events": f"{counts.events:,} events, {counts.event_batches} batches",
        "warehouse": f"{counts.models_done}/{counts.models} models up to date",
        "acquisition": f"{counts.file_rows:,} rows, {counts.files} files",
        "stripe_enrichment": "",
        "marts": "",
    }
    for dag_id in ORDER:
        run = latest.get(dag_id)
        state = _state(run) if run else "waiting"
        running = _running(snapshot, run) if run else ""
        shown.add_row(
            dag_id,
            Text(state, STYLES.get(state.split()[0], "dim")),
            _tasks(snapshot, run) if run else "",
            loaded[dag_id],
            Text(running, "dim"),
        )
    return Group(shown, Text(f"{snapshot.elapsed:.0f} s", "dim"))


def _latest(snapshot: Snapshot) -> dict[str, DagRun]:
    found: dict[str, DagRun] = {}
    for run in snapshot.runs:  # oldest first; one that runs counts more than one that waits behind it
        if run.dag_id not in found or run.state != "queued" or not found[run.dag_id].is_active:
            found[run.dag_id] = run
    return {dag_id: found[dag_id] for dag_id in ORDER if dag_id in found}


def _state(run: DagRun) -> str:
    seconds = ""
    if run.started_at and run.state != "queued":
        until = run.ended_at or datetime.now(run.started_at.tzinfo)
        seconds = f" {max(0.0, (until - run.started_at).total_seconds()):.0f} s"
    return run.state + seconds


def _tasks(snapshot: Snapshot, run: DagRun) -> str:
    states = Counter(task.state for task in snapshot.tasks if (task.dag_id, task.run_id) == _key(run))
    done = sum(states[state] for state in DONE_STATES)
    return f"{done}/{states.total()}" if states else ""


def _running(snapshot: Snapshot, run: DagRun) -> str:
    names = [
        task.task_id
        + (f"[{task.map_index}]" if task.map_index >= 0 else "")
        + (" (failed, waits for its retry)" if task.state == "up_for_retry" else "")
        for task in snapshot.tasks
        if (task.dag_id, task.run_id) == _key(run) and task.state in ("running", "up_for_retry")
    ]
    return ", ".join(names[:4])


def _key(run: DagRun) -> tuple[str, str]:
    return run.dag_id, run.run_id
