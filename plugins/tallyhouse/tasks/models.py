"""Tasks of warehouse and marts: one dim, fact or view each."""

from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from tallyhouse import settings, warehouse
from tallyhouse.objects import Model


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
