"""Tasks of acquisition: the files of a folder, loaded."""

import logging
from typing import Any

from airflow.sdk import task

from tallyhouse import file_staging, settings
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task
def load_files(dag_run: Any = None) -> dict[str, int]:
    """Loads every file that is new or has changed, each committed for itself; returns counts."""
    folder = settings.acquisition_folder()
    if folder is None:
        log.info("No folder is configured, so there is nothing to load. Name one in the Variable %s.",
                 settings.ACQUISITION_PATH)  # fmt: skip
        return {}
    with settings.warehouse_connection() as connection:
        reports = file_staging.load_files(connection, settings.SQL_ROOT, folder, run_name(dag_run))
    new = [report for report in reports if report.is_new]
    log.info("%d files in %s, of which %d are new", len(reports), folder, len(new))
    return {
        "files": len(reports),
        "new": len(new),
        "rows": sum(report.rows for report in new),
        "rejected": sum(report.rejected for report in new),
    }
