"""A process that is Airflow's api-server, with a metadata database of its own in which runs are known.

Its arguments: the file descriptor of a socket that is bound, and the runs.

Runs as in `RUNS` of conftest, as JSON.
"""

import json
import os
import socket
import sys
from datetime import datetime
from typing import Any


def know_runs(runs: list[list[Any]]) -> None:
    """Writes DAGs, runs and tasks into the metadata database, as a scheduler would have."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        for dag_id, run_id, state, ended_at, failed in runs:
            at = datetime.fromisoformat(ended_at)
            session.merge(DagModel(dag_id=dag_id, bundle_name="dags-folder", is_paused=False))
            run = DagRun(
                dag_id=dag_id,
                run_id=run_id,
                run_type=DagRunType.SCHEDULED,
                run_after=at,
                start_date=at,
                state=state,
                triggered_by=DagRunTriggeredByType.TEST,
            )
            run.end_date = at
            session.add(run)
            session.flush()
            for task_id, map_index in failed:
                operator = EmptyOperator(task_id=task_id)
                task = TaskInstance(operator, run_id=run_id, state="failed", dag_version_id=None, map_index=map_index)
                task.dag_id = dag_id
                session.add(task)


if __name__ == "__main__":
    # as the command airflow api-server does: connections come from its own environment
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    import uvicorn
    from airflow.api_fastapi.app import create_app
    from airflow.utils import db

    db.initdb()
    know_runs(json.loads(sys.argv[2]))
    config = uvicorn.Config(create_app(apps="core"), log_level="warning")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
