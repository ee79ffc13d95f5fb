"""Runs a DAG in this process, task after task as the scheduler would order them, and tells what became of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

LONGEST_WAIT = 0.02
"""Seconds. Airflow's loop sleeps a second when no task is ready, and the client backs off: nothing depends on it."""

if TYPE_CHECKING:
    from airflow.sdk import DAG


@dataclass(frozen=True)
class Run:
    """A finished run. `tasks` and `tries` have one entry per task instance, of a mapped task in its order."""

    run_id: str
    state: str
    tasks: dict[str, list[str]]
    tries: dict[str, list[int]]
    errors: dict[str, BaseException]

    def state_of(self, task_id: str) -> str:
        """The state of a task that is not mapped, or of the only instance of one that is."""
        (state,) = self.tasks[task_id]
        return state

    @property
    def not_successful(self) -> dict[str, list[str]]:
        """The tasks of which an instance did anything but succeed."""
        return {task_id: states for task_id, states in self.tasks.items() if set(states) != {"success"}}


@dataclass(frozen=True)
class Dags:
    """The project's DAGs (id -> file) with one warehouse behind them."""

    files: Mapping[str, str]
    metadata: str
    warehouse: str

    def run(self, dag_id: str, **form: Any) -> Run:
        """Runs one DAG to its end; `form` is what a person would put into its trigger form."""
        from airflow.dag_processing import dagbag

        dag = self._parse(dag_id)
        # Airflow's loop for tests cannot end a run that has one; the scheduler's can.
        dag.deadline = None
        errors: dict[str, BaseException] = {}

        def keep(context: Any) -> None:
            errors[context["ti"].task_id] = context["exception"]

        for task in dag.tasks:
            # Retries are as in production, but nobody waits for them.
            target = task.partial_kwargs if task.is_mapped else task.__dict__
            target["retry_delay"] = timedelta(0)
            target["on_failure_callback"] = [*_as_list(target.get("on_failure_callback")), keep]
            target["on_retry_callback"] = [keep]
        wait = time.sleep
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", lambda seconds: wait(min(seconds, LONGEST_WAIT)))
            # Airflow's loop would read and record every DAG anew with each run: that was done (`dag_bag`).
            patch.setattr(dagbag, "BundleDagBag", lambda **folder: None)
            patch.setattr(dagbag, "sync_bag_to_db", lambda *bag: None)
            finished = dag.test(run_conf=form or None)
        tasks: dict[str, list[str]] = {}
        tries: dict[str, list[int]] = {}
        for instance in sorted(finished.get_task_instances(), key=lambda ti: (ti.task_id, ti.map_index)):
            tasks.setdefault(instance.task_id, []).append(str(instance.state))
            tries.setdefault(instance.task_id, []).append(instance.try_number)
        return Run(finished.run_id, str(finished.state), tasks, tries, errors)

    def run_all(self) -> list[Run]:
        """Backfill, events, warehouse, marts: the way of a new user's data."""
        return [self.run(dag_id) for dag_id in ("stripe_backfill", "stripe_events", "warehouse", "marts")]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Asks the warehouse."""
        with psycopg.connect(self.warehouse) as connection:
            return connection.execute(query).fetchall()

    def execute(self, statement: str) -> None:
        """Changes the warehouse behind the pipeline's back."""
        with psycopg.connect(self.warehouse) as connection:
            connection.execute(statement)

    def published(self, run: Run) -> list[str]:
        """Names of the assets that a run published, as Airflow recorded them."""
        with psycopg.connect(self.metadata) as connection:
            found = connection.execute(
                """
                select asset.name
                from asset_event
                inner join asset on asset_event.asset_id = asset.id
                where asset_event.source_run_id = %s
                """,
                [run.run_id],
            ).fetchall()
        return [name for (name,) in found]

    def labels(self, run: Run, task_id: str) -> list[str]:
        """The labels that the instances of a mapped task have on the run's page."""
        with psycopg.connect(self.metadata) as connection:
            found = connection.execute(
                "select rendered_map_index from task_instance where run_id = %s and task_id = %s order by map_index",
                [run.run_id, task_id],
            ).fetchall()
        return [str(label) for (label,) in found]

    def _parse(self, dag_id: str) -> "DAG":
        """The DAG, anew: a run leaves its form in the parsed DAG's params."""
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(self.files[dag_id]).dags[dag_id]


@dataclass(frozen=True)
class FirstLoad:
    """A warehouse into which everything was loaded once, and the runs that did it, in the order of Dags.run_all."""

    warehouse: str
    runs: list[Run]


def _as_list(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []


SECONDS_OF_LISTS = ["version_at", "version_rank", "version_order", "links_at", "links_rank", "links_order"]


def contents(conninfo: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of dwh and mart, without the columns that tell at which second a list was read."""
    found = {}
    with psycopg.connect(conninfo) as connection:
        names = connection.execute(
            """
            select oid::regclass::text
            from pg_class
            where relnamespace in ('dwh'::regnamespace, 'mart'::regnamespace) and relkind in ('r', 'm')
            """
        ).fetchall()
        for (name,) in names:
            query = sql.SQL("select to_jsonb(t) - {seconds}::text[] from {table} as t order by 1").format(
                seconds=sql.Literal(SECONDS_OF_LISTS), table=sql.Identifier(*name.split("."))
            )
            found[name] = connection.execute(query).fetchall()
    return found
