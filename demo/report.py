"""What the demo prints at its end: failures, the summary, the times, and where to look."""

from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from demo.airflow_api import AirflowApi
from demo.airflow_config import USER
from demo.errors import DemoError
from demo.failures import failed_tasks
from demo.pipeline import Outcome
from demo.stages import Stages
from demo.summary_data import Summary
from demo.summary_view import render

MOST_FAILED_TASKS = 3


def print_failures(console: Console, outcome: Outcome, api: AirflowApi, logs: Path) -> None:
    """Each failed run with the tasks that failed by themselves, the ends of their logs, and the file."""
    for run in outcome.failed_runs:
        console.print(f"\n[bold red]DAG {run.dag_id} failed[/] (run {escape(run.run_id)})")
        found = failed_tasks(run, api.tasks(run), logs)
        for failure in found[:MOST_FAILED_TASKS]:
            name = failure.task.task_id
            if failure.task.map_index >= 0:
                name += f" (mapped task {failure.task.map_index})"
            console.print(f"[red]Task {escape(name)}[/], try {failure.task.try_number}; the end of its log:")
            for text in failure.lines:
                console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
            if failure.log_path:
                console.print(f"  Whole log: {failure.log_path}", markup=False, highlight=False, soft_wrap=True)
        if len(found) > MOST_FAILED_TASKS:
            console.print(f"... and {len(found) - MOST_FAILED_TASKS} more failed tasks.")
        if not found:
            console.print("None of its tasks failed by itself: see .local/logs/scheduler.log.")
        url = f"{api.base_url}/dags/{run.dag_id}/runs/{run.run_id}"
        console.print(f"In Airflow: {url}", markup=False, soft_wrap=True)
    if outcome.missing and not outcome.failed_runs:
        console.print(
            f"\n[bold red]The pipeline stands still[/]: {escape(outcome.missing)}, and no run is queued or "
            "running. See .local/logs/scheduler.log and the runs in Airflow."
        )


def print_summary(console: Console, summary: Summary | None) -> None:
    """The summary, or that there is nothing to summarise."""
    console.print(Rule("Tallyhouse"))
    if summary is None:
        console.print("Nothing has been loaded yet.")
    else:
        console.print(render(summary))
    console.print(Rule())


def print_times(console: Console, stages: Stages) -> None:
    """How long each stage took, and all of them."""
    parts = [f"{title.split(' at ')[0]} {seconds:.1f} s" for title, seconds in stages.times]
    console.print(f"Times: {'; '.join(parts)}. In all {stages.total:.0f} s.", highlight=False, style="dim")


def print_where(console: Console, url: str, password: str, embedded: Mapping[str, str] | None, *, stays: bool) -> None:
    """Where to look: Airflow and its login, and psql. `embedded`: the embedded warehouse's parameters."""
    psql = f'psql "{make_conninfo(**embedded)}"' if embedded is not None else 'psql "$WAREHOUSE_URL"'
    lines = [
        f"Airflow    {url}   user {USER}, password {password}",
        f"Warehouse  make psql   (as an analyst; as the owner of all of it: {psql})",
        "Logs       .local/logs, .local/airflow/logs",
    ]
    for text in lines:
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if stays:
        console.print("All this stays until Ctrl-C; `stripe_events` runs every hour.", style="bold")


def print_error(console: Console, error: DemoError) -> None:
    """An error, and the end of the log that explains it."""
    console.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
    if error.log_path:
        console.print(f"The end of {error.log_path}:", markup=False, soft_wrap=True)
    for text in error.log_tail:
        console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
