"""Airflow plugin: what deadlines of runs count from."""

from typing import Any, ClassVar

from airflow.sdk.plugins_manager import AirflowPlugin

from tallyhouse.tasks.deadlines import FirstQueued


class Deadlines(AirflowPlugin):
    """Scheduler and api-server look a stored deadline's reference up here."""

    name = "deadlines"
    deadline_references: ClassVar[list[Any]] = [FirstQueued]
