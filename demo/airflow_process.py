"""`python -m demo.airflow_process scheduler ...`: an Airflow command whose tasks need not import much.

The scheduler's executor and the dag-processor fork a process for each task and each file. What the parent has
imported, the child has for nothing: this takes the imports (about half a second each time) out of every task.
Only other people's packages, never `tallyhouse`: a task must see the library as it is on disk when it starts.
"""

import sys
from importlib import import_module

PRELOADED = (
    "airflow.sdk",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "airflow.providers.common.sql.operators.sql",
    "airflow.providers.postgres.hooks.postgres",
    "airflow.providers.standard.decorators.python",
    "orjson",
    "psycopg",
    "stripe",
)


def main() -> None:
    """Imports, then becomes the `airflow` command with this process's arguments."""
    for name in PRELOADED:
        import_module(name)
    from airflow.__main__ import main as airflow

    sys.argv[0] = "airflow"
    airflow()


if __name__ == "__main__":
    main()
