"""What a failed run says: which task, and the end of its log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.airflow_api import DagRun, TaskInstance
from demo.processes import tail


@dataclass(frozen=True)
class FailedTask:
    """A task that failed by itself (not for a task before it), its log file, and the end of that log."""

    task: TaskInstance
    log_path: Path | None
    lines: tuple[str, ...]


def failed_tasks(run: DagRun, tasks: Sequence[TaskInstance], logs: Path, lines: int = 20) -> list[FailedTask]:
    """The tasks of a run that failed, in the order of their ends; `logs` is Airflow's folder of logs."""
    failed = sorted((task for task in tasks if task.state == "failed"), key=lambda task: str(task.ended_at))
    found = []
    for task in failed:
        path = _log_path(run, task, logs)
        text = readable(tail(path, 500, most_bytes=2**20)) if path else []
        found.append(FailedTask(task, path, tuple(text[-lines:])))
    return found


def readable(lines: Sequence[str]) -> list[str]:
    """Lines of a task's log (one JSON document each) as text; other lines stay as they are."""
    found: list[str] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if not isinstance(entry, dict):
            found.append(line)
            continue
        event = str(entry.get("event", ""))
        if event.startswith(("::group::", "::endgroup::")) or "category" in entry:  # folds and deprecations
            continue
        time = str(entry.get("timestamp", ""))[11:19]
        found += f"{time} {entry.get('level', '')!s:<8} {event}".strip().splitlines()
        for error in entry.get("error_detail") or []:
            found += _error(error)
    return found


def _error(error: dict[str, Any]) -> list[str]:
    frames = error.get("frames") or []
    where = [f"    {frame.get('filename')}:{frame.get('lineno')} in {frame.get('name')}" for frame in frames[-4:]]
    return [*where, *f"{error.get('exc_type')}: {error.get('exc_value')}".splitlines()]


def _log_path(run: DagRun, task: TaskInstance, logs: Path) -> Path | None:
    folder = logs / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task.task_id}"
    if task.map_index >= 0:
        folder = folder / f"map_index={task.map_index}"
    path = folder / f"attempt={task.try_number}.log"
    return path if path.exists() else None
