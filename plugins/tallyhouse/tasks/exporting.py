"""Tasks of export_marts: views of mart, and how the day's charges were paid, as files of a folder."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import export, settings
from tallyhouse.errors import TallyhouseError
from tallyhouse.export_folder import ExportFolder
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task
def export_views(params: Mapping[str, Any] | None = None, dag_run: Any = None) -> list[dict[str, Any]]:
    """Writes the chosen views of mart, all from one snapshot; returns the files of each."""
    form = params or {}
    folder = _folder()
    if not form["marts"]:
        raise AirflowSkipException("the form names no mart")
    with settings.warehouse_connection() as connection:
        found = export.export_marts(
            connection,
            folder,
            form["marts"],
            export.day_of(form["day"], dag_run.run_after),
            export.FORMATS[form["format"]],
            run_name(dag_run),
        )
    rows, size = sum(item.row_count for item in found), sum(file.byte_count for item in found for file in item.files)
    log.info("%d views, %s rows, %.1f MB, to %s", len(found), f"{rows:,}", size / 1e6, folder.root)
    return [{"name": item.name, "files": [asdict(file) for file in item.files]} for item in found]


@task
def export_sources(params: Mapping[str, Any] | None = None, dag_run: Any = None) -> dict[str, Any]:
    """Writes how the day's charges were paid; returns the files."""
    form = params or {}
    folder = _folder()
    if not form["has_sources"]:
        raise AirflowSkipException("the form leaves them out")
    if form["is_personal"]:
        log.warning("Personal data is exported, as the form asks for: see to it who may read %s", folder.root)
    with settings.warehouse_connection() as connection:
        found = export.export_sources(
            connection,
            folder,
            export.day_of(form["day"], dag_run.run_after),
            export.FORMATS[form["format"]],
            run_name(dag_run),
            is_personal=form["is_personal"],
        )
    return {"name": found.name, "files": [asdict(file) for file in found.files]}


def _folder() -> ExportFolder:
    """Where the Variable says; a task without it is skipped."""
    folder = settings.export_folder()
    if folder is None:
        log.info("No folder is configured, so nothing is exported. Name one in the Variable %s.", settings.EXPORT_PATH)
        raise AirflowSkipException("no folder is configured")
    try:
        return ExportFolder(folder.fs, folder.path)
    except (ImportError, ValueError) as error:
        raise TallyhouseError(
            f"Airflow cannot open {folder}, which the Variable {settings.EXPORT_PATH} names: {error}. For s3:// "
            "install apache-airflow-providers-amazon[s3fs]; other stores have providers of their own."
        ) from error
