"""From when on a run may be late: from when it was queued, so that nobody is told of a scheduler that stands still.

Airflow's own `DeadlineReference.DAGRUN_QUEUED_AT` says the same, but in 3.3.0 to 3.3.2 no task of a run that has one
can be cleared: the page and the API answer 500 (https://github.com/apache/airflow/issues/70368).
"""

from datetime import datetime
from typing import Any, ClassVar

from airflow.sdk.definitions.deadline import BaseDeadlineReference


class FirstQueued(BaseDeadlineReference):
    """When a run was queued for the first time: clearing tasks of it gives no new deadline.

    `plugins/deadlines.py` makes it known to Airflow, which finds it by its name.
    """

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        # the scheduler calls this: where DAGs are parsed there is no database
        from airflow.models import DagRun
        from sqlalchemy import select

        return session.scalar(select(DagRun.queued_at).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
