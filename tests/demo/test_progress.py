"""Progress as text: counts, the state of each DAG, and what runs now."""

import io
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from demo.airflow_api import DagRun, TaskInstance
from demo.counts import Counts
from demo.pipeline import Snapshot
from demo.progress import line, showing, table

START = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
END = datetime(2026, 11, 22, 10, 0, 12, tzinfo=UTC)
RUNS = (
    DagRun("stripe_events", "e1", "success", START, START, END),
    DagRun("warehouse", "w1", "running", START, START, None),
    DagRun("warehouse", "w2", "queued", END, None, None),
)
TASKS = (
    TaskInstance("warehouse", "w1", "customer_dim", -1, 1, "success"),
    TaskInstance("warehouse", "w1", "charge_fact", -1, 1, "running"),
    TaskInstance("warehouse", "w1", "stage", 3, 1, "up_for_retry"),
)
COUNTS = Counts(events=11_258, event_batches=2, objects=20_781, models=13, models_done=4)
SNAPSHOT = Snapshot(RUNS, TASKS, COUNTS, 42.4)


def test_a_line_has_the_counts_and_every_dag_that_has_begun() -> None:
    text = line(SNAPSHOT)
    assert text.startswith("events 11,258, objects 20,781, models 4/13 | stripe_events success 12 s")
    assert "marts" not in text


def test_the_run_that_runs_is_shown_rather_than_the_one_that_waits_behind_it() -> None:
    assert "| warehouse running" in line(SNAPSHOT)
    assert "1/3 charge_fact" in line(SNAPSHOT)


def test_a_task_that_waits_for_its_retry_says_so() -> None:
    assert "stage[3] (failed, waits for its retry)" in line(SNAPSHOT)


def test_the_table_shows_every_dag_and_what_it_has_loaded() -> None:
    console = Console(file=io.StringIO(), width=140)
    with console.capture() as capture:
        console.print(table(SNAPSHOT))
    text = capture.get()
    for part in ("stripe_backfill", "waiting", "11,258 events, 2 batches", "4/13 models up to date", "42 s"):
        assert part in text


def test_without_a_terminal_an_unchanged_state_is_printed_once() -> None:
    console = Console(file=io.StringIO(), width=300)
    with console.capture() as capture, showing(console) as progress:
        progress.show(replace(SNAPSHOT, runs=RUNS[:1], tasks=()))
        progress.show(replace(SNAPSHOT, runs=RUNS[:1], tasks=(), elapsed=60))
    assert len(capture.get().splitlines()) == 1
