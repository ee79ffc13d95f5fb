"""Tasks of warehouse and marts: one dim, fact or view each."""

import logging
import time
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import lineage, measures, settings, warehouse
from tallyhouse.objects import Model
from tallyhouse.tasks import metrics

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
def find_loaded(even_by_hand: bool = False, dag_run: Any = None) -> str:
    """The mark of the load state; skips what follows while a load is under way, for that one triggers the next run.

    A person's run goes on all the same, unless `even_by_hand`.
    """
    with settings.warehouse_connection() as connection:
        state = warehouse.read_load_state(connection)
    if state.is_partial:
        if even_by_hand or dag_run.run_type == "asset_triggered":
            raise AirflowSkipException("the DAG warehouse is loading: the run of marts after it has these checks")
        log.warning("Some models have yet to apply what others have: checks that compare their tables may be red.")
    return state.mark


class RelationOperator(SQLExecuteQueryOperator):
    """SQL that makes one relation. OpenLineage, where it is installed, is told what from."""

    def __init__(self, *, relation: str, sql: str, **kwargs: Any):
        super().__init__(
            task_id=relation.partition(".")[2],
            conn_id=settings.WAREHOUSE_CONN_ID,
            sql=sql,
            do_xcom_push=False,
            **kwargs,
        )
        self.relation = relation

    def get_openlineage_facets_on_start(self) -> Any:
        """Inputs and output, by the names that OpenLineage gives to tables of PostgreSQL."""
        # a provider that need not be there: without it nobody calls this
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        hook = PostgresHook(postgres_conn_id=settings.WAREHOUSE_CONN_ID)
        connection = hook.get_connection(settings.WAREHOUSE_CONN_ID)
        server = hook.get_openlineage_database_info(connection)
        namespace = f"{server.scheme}://{server.authority}"

        def dataset(relation: str) -> Any:
            return Dataset(namespace=namespace, name=f"{server.database}.{relation}")

        read = lineage.inputs_by_relation(settings.SQL_ROOT)[self.relation]
        return OperatorLineage(inputs=[dataset(name) for name in read], outputs=[dataset(self.relation)])

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """The same: what is read is known before."""
        return self.get_openlineage_facets_on_start()


class ModelOperator(RelationOperator):
    """Applies every pending batch to one dim or fact; its log shows the counts.

    A document that cannot be read is set aside, instead of blocking the model (see `run_despite_unreadable`).
    """

    def __init__(self, *, model: Model, **kwargs: Any):
        super().__init__(
            relation=model.relation, sql=model.sql_file, hook_params={"enable_log_db_messages": True}, **kwargs
        )
        self.model = model

    def execute(self, context: Any) -> None:
        """Runs the model's file."""
        warehouse.run_despite_unreadable(
            lambda: super(ModelOperator, self).execute(context), settings.warehouse_connection, self.model.name
        )
        with settings.warehouse_connection() as connection:
            applied = measures.last_applied(connection, self.model.name)
        log.info("%s", applied.describe(self.model.name))
        metrics.tell([measures.Measure(f"model_rows.{self.model.name}", applied.rows)])


class MartOperator(RelationOperator):
    """Refreshes one materialized view while its readers go on reading; its log shows how many rows it has now."""

    def __init__(self, *, mart: str, **kwargs: Any):
        super().__init__(relation=f"mart.{mart}", sql=warehouse.refresh_statement(mart), **kwargs)
        self.mart = mart

    def execute(self, context: Any) -> None:
        """Refreshes, then counts."""
        began = time.monotonic()
        super().execute(context)
        seconds = time.monotonic() - began
        with settings.warehouse_connection() as connection:
            rows = measures.count_rows(connection, self.relation)
        log.info("%s: %s rows, refreshed in %.1f s", self.mart, f"{rows:,}", seconds)
        metrics.tell([measures.Measure(f"mart_rows.{self.mart}", rows, is_level=True)])
