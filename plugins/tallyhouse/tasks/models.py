"""Tasks of warehouse and marts: one dim, fact or view each."""

import logging
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import settings, warehouse
from tallyhouse.objects import Model

log = logging.getLogger(__name__)


# Two DAGs that end at once trigger two runs, of which the first loads all; and each run has views refreshed behind it.
@task
def find_pending(dag_run: Any = None) -> None:
    """Fixes what this run loads: all that is staged by now.

    Skips a run that was triggered by staged rows which the run before has loaded; a person's run always goes on.
    """
    with settings.warehouse_connection() as connection:
        log.info("%d batches were staged since the last run", warehouse.release_batches(connection))
        if dag_run.run_type == "asset_triggered" and warehouse.is_up_to_date(connection):
            raise AirflowSkipException("every model has applied every batch, and the checks have passed since")


@task
def find_loaded(dag_run: Any = None) -> str:
    """What the models have applied by now; skips a run that a load has overtaken, for that one triggers the next.

    A person's run always goes on.
    """
    with settings.warehouse_connection() as connection:
        state = warehouse.read_load_state(connection)
    if state.is_partial:
        if dag_run.run_type == "asset_triggered":
            raise AirflowSkipException("the DAG warehouse is loading: this DAG runs again when it has ended")
        log.warning("Some models have yet to apply what others have: checks that compare their tables may be red.")
    return state.applied


class ModelOperator(SQLExecuteQueryOperator):
    """Applies every pending batch to one dim or fact; its log shows the counts.

    A document that cannot be read is set aside, instead of blocking the model (see `run_despite_unreadable`).
    """

    def __init__(self, *, model: Model, **kwargs: Any):
        super().__init__(
            task_id=model.name,
            conn_id=settings.WAREHOUSE_CONN_ID,
            sql=model.sql_file,
            hook_params={"enable_log_db_messages": True},
            do_xcom_push=False,
            **kwargs,
        )
        self.model = model

    def execute(self, context: Any) -> None:
        """Runs the model's file."""
        warehouse.run_despite_unreadable(
            lambda: super(ModelOperator, self).execute(context), settings.warehouse_connection, self.model.name
        )


def refresh_mart(name: str) -> SQLExecuteQueryOperator:
    """The task that refreshes one materialized view while its readers go on reading."""
    return SQLExecuteQueryOperator(
        task_id=name,
        conn_id=settings.WAREHOUSE_CONN_ID,
        sql=warehouse.refresh_statement(name),
        do_xcom_push=False,
    )
