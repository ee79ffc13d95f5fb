"""One run through the pipeline: what to trigger, and how to know that all that follows from it is done."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from demo.airflow_api import AirflowApi, DagRun, TaskInstance
from demo.counts import Counts

# Consumers first: an asset event that finds its consumer paused is lost.
DAG_IDS = ("marts", "stripe_enrichment", "warehouse", "acquisition", "stripe_events", "stripe_backfill")

POLL_SECONDS = 1.0
# Between the end of a run and the start of the one that follows by asset lies a look of the scheduler's:
# nothing is over before that had its time. A failure is given longer, since its siblings may go on.
SETTLE_SECONDS = 2.5
FAILED_SECONDS = 6.0
STALL_SECONDS = 45.0


@dataclass(frozen=True)
class Snapshot:
    """What is known at one moment: runs since the start, the tasks of active ones, and the warehouse."""

    runs: tuple[DagRun, ...]
    tasks: tuple[TaskInstance, ...]
    counts: Counts
    elapsed: float

    @property
    def is_idle(self) -> bool:
        """Whether no run is queued or running."""
        return not any(run.is_active for run in self.runs)

    @property
    def failed_runs(self) -> tuple[DagRun, ...]:
        """Runs that ended failed."""
        return tuple(run for run in self.runs if run.state == "failed")


@dataclass(frozen=True)
class Outcome:
    """How it ended: failed runs, or in words what is missing although nothing runs; both empty is success."""

    snapshot: Snapshot
    failed_runs: tuple[DagRun, ...] = ()
    missing: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether all is loaded and refreshed."""
        return not self.failed_runs and not self.missing


@dataclass
class Pipeline:
    """The DAGs of one Airflow over one warehouse. `read_counts` reads the warehouse's state.

    `since` (aware) is when Airflow began to start: runs that end later are ours, those too that the scheduler
    started by itself, before we asked for any, and those that a demo before this one left unfinished.
    """

    api: AirflowApi
    read_counts: Callable[[], Counts]
    since: datetime
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _started: float = 0.0

    def start(self, *, is_listed: bool) -> list[str]:
        """Un-pauses the DAGs and triggers what no schedule starts by itself; returns the triggered ids.

        `is_listed` says that the account's objects have been listed before: then only a backfill whose last
        run failed is run again.
        """
        self._started = self.clock()
        before = self.api.dags()
        there = {run.dag_id for run in self.api.runs(self.since)}
        wanted = []
        if "stripe_backfill" not in there and not (is_listed and self._has_backfilled()):
            wanted.append("stripe_backfill")
        wanted += [
            dag_id for dag_id in ("stripe_events", "acquisition") if dag_id not in there and not _is_due(before[dag_id])
        ]
        for dag_id in DAG_IDS:
            self.api.unpause(dag_id)
        for dag_id in wanted:
            self.api.trigger(dag_id, {})
        return wanted

    def wait(self, show: Callable[[Snapshot], None], check_alive: Callable[[], None]) -> Outcome:
        """Returns when nothing is left to do, or nothing goes on.

        `show` gets every snapshot; `check_alive` may raise when a process that is needed has ended.
        """
        idle_since: float | None = None
        while True:
            check_alive()
            snapshot = self._look()
            show(snapshot)
            now = self.clock()
            if not snapshot.is_idle:
                idle_since = None
            else:
                idle_since = now if idle_since is None else idle_since
                missing = self._missing(snapshot)
                idle = now - idle_since
                if snapshot.failed_runs and idle >= FAILED_SECONDS:
                    return Outcome(snapshot, snapshot.failed_runs, missing)
                if not missing and not snapshot.failed_runs and idle >= SETTLE_SECONDS:
                    return Outcome(snapshot)
                if idle >= STALL_SECONDS:
                    return Outcome(snapshot, snapshot.failed_runs, missing)
            self.sleep(POLL_SECONDS)

    def _has_backfilled(self) -> bool:
        last = self.api.last_run("stripe_backfill", "success", "failed")
        return last is None or last.state == "success"

    def _look(self) -> Snapshot:
        runs = self.api.runs(self.since)
        tasks: list[TaskInstance] = []
        for run in runs:
            if run.state == "running":
                tasks += self.api.tasks(run)
        return Snapshot(tuple(runs), tuple(tasks), self.read_counts(), self.clock() - self._started)

    def _missing(self, snapshot: Snapshot) -> str:
        ended = {run.dag_id for run in snapshot.runs}
        counts = snapshot.counts
        if "stripe_events" not in ended:
            return "no run of stripe_events has started"
        if not counts.batches:
            return "no batch was staged"
        if counts.lagging:
            return f"batches not yet applied by {_some(counts.lagging)}"
        marts = self.api.last_run("marts", "success")
        if marts is None or marts.started_at is None:
            return "no run of marts has succeeded"
        if counts.last_applied_at is not None and marts.started_at < counts.last_applied_at:
            return "no run of marts after the last load"
        return ""


def _is_due(dag: dict[str, object]) -> bool:
    """Whether the scheduler will start a run by itself as soon as the DAG is not paused."""
    due = dag.get("next_dagrun_run_after")
    return isinstance(due, str) and datetime.fromisoformat(due) <= datetime.now(UTC)


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
