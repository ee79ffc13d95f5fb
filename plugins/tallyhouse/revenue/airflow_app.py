"""The page inside Airflow: its users and their rights, its connections, its runs. Imported by the api-server alone."""

import json
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import cast

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.exceptions import AirflowNotFoundException
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.utils.session import create_session
from fastapi import FastAPI
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from tallyhouse import settings
from tallyhouse.revenue.errors import PageError
from tallyhouse.revenue.status import DAGS, FailedTask, LastRun
from tallyhouse.revenue.web import create_app

READ_BY = "marts"
"""Who may read the runs of this DAG may read the numbers that it makes."""

PAGE_CONN_ID = "warehouse_page"
"""Connection of the page's own, for an api-server that is not to hold the loader's password; else `warehouse`."""

CONNECT_SECONDS = 5
"""How long PostgreSQL may take to answer, unless the connection's own extra says otherwise."""

_ENDED = ("success", "failed")
_ACTIVE = ("queued", "running")


def make_app() -> FastAPI:
    """The app as Airflow's api-server mounts it."""
    require_reader = requires_access_dag(method="GET", access_entity=DagAccessEntity.RUN, param_dag_id=READ_BY)
    return create_app(connect, settings.SQL_ROOT, require_reader, visible_runs)


@contextmanager
def connect() -> Iterator[psycopg.Connection]:
    """A connection to the warehouse, closed at the end; PageError where Airflow has none."""
    with closing(_open()) as connection:
        yield connection


@dataclass(frozen=True)
class VisibleRuns:
    """The runs of the pipeline's DAGs, of those that Airflow knows and the user may see; the `Runs` of the page."""

    dag_ids: list[str]

    def last(self) -> list[LastRun]:
        """What became of each DAG last."""
        with create_session() as session:
            return [*_last_runs(session, self.dag_ids)]

    def dags_of(self, run_ids: Collection[str]) -> dict[str, str]:
        """Run -> the DAG that it is of."""
        if not run_ids:
            return {}
        query = select(DagRun.run_id, DagRun.dag_id).where(
            DagRun.dag_id.in_(self.dag_ids), DagRun.run_id.in_(list(run_ids))
        )
        with create_session() as session:
            return {row.run_id: row.dag_id for row in session.execute(query)}


def visible_runs(user: GetUserDep) -> VisibleRuns:
    """Those that the user of a request may see."""
    manager = get_auth_manager()
    return VisibleRuns(
        [
            dag_id
            for dag_id in DAGS
            if manager.is_authorized_dag(
                method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
            )
        ]
    )


def _open() -> psycopg.Connection:
    for conn_id in (PAGE_CONN_ID, settings.WAREHOUSE_CONN_ID):
        try:
            found = PostgresHook.get_connection(conn_id)
        except AirflowNotFoundException:
            continue
        # somebody waits: that the warehouse does not answer is said long before a network would give up
        found.extra = json.dumps({"connect_timeout": CONNECT_SECONDS} | found.extra_dejson)
        return cast(psycopg.Connection, PostgresHook(connection=found).get_conn())
    raise PageError(
        f"Airflow's api-server has no connection {settings.WAREHOUSE_CONN_ID}.",
        "Create it (Admin, Connections; type Postgres), or give its AIRFLOW_CONN_WAREHOUSE to the api-server too.",
    )


def _last_runs(session: Session, dag_ids: list[str]) -> Iterator[LastRun]:
    known = select(DagModel.dag_id, DagModel.is_paused).where(DagModel.dag_id.in_(dag_ids))
    paused = {dag_id: bool(is_paused) for dag_id, is_paused in session.execute(known)}
    is_ended = case((DagRun.state.in_(_ENDED), 1), else_=0)
    place = func.row_number().over(partition_by=(DagRun.dag_id, is_ended), order_by=DagRun.run_after.desc())
    ranked = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.end_date, place.label("place"))
        .where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_([*_ENDED, *_ACTIVE]))
        .subquery()
    )
    newest = session.execute(select(ranked).where(ranked.c.place == 1)).all()
    ended = {row.dag_id: row for row in newest if row.state in _ENDED}
    active = {row.dag_id: row.run_id for row in newest if row.state in _ACTIVE}
    red = [row.run_id for row in ended.values() if row.state == "failed"]
    tasks: dict[tuple[str, str], list[FailedTask]] = {}
    task = (TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.task_id)
    for dag_id, run_id, task_id, map_index in session.execute(
        select(*task, func.min(TaskInstance.map_index))
        .where(TaskInstance.dag_id.in_(dag_ids), TaskInstance.run_id.in_(red), TaskInstance.state == "failed")
        .group_by(*task)
        .order_by(TaskInstance.task_id)
    ):
        tasks.setdefault((dag_id, run_id), []).append(FailedTask(task_id, map_index))
    for dag_id in dag_ids:
        if dag_id not in paused:
            continue
        last = ended.get(dag_id)
        yield LastRun(
            dag_id,
            is_paused=paused[dag_id],
            run_id=last.run_id if last else None,
            state=str(last.state) if last else None,
            ended_at=last.end_date if last else None,
            failed_tasks=tasks.get((dag_id, last.run_id), []) if last else [],
            active_run_id=active.get(dag_id),
        )
