"""The task of warehouse_rebuild."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import task

from tallyhouse import rebuild, settings


@task
def rebuild_warehouse() -> list[dict[str, Any]]:
    """Makes every dim and fact anew from the raw layer, and swaps them in; its log and result say what changed."""
    with settings.warehouse_connection() as connection:
        return [asdict(change) for change in rebuild.rebuild(connection, settings.SQL_ROOT)]
