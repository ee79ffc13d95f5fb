"""Tasks of stripe_enrichment: what documents name or lack, fetched; what was staged, told; what failed, red."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk import task

from tallyhouse import enrichment, enrichment_queue, settings
from tallyhouse.tasks.common import run_name
from tallyhouse.tasks.labels import BY_CONNECTION, set_label

log = logging.getLogger(__name__)


@task(map_index_template=BY_CONNECTION)
def fetch_wanted(stripe_conn_id: str, params: Mapping[str, Any] | None = None, dag_run: Any = None) -> dict[str, int]:
    """Fetches what is open in ops.enrichment for one key, and commits it chunk by chunk."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        report = enrichment.fetch_wanted(
            connection, client, client.account(), run_name(dag_run), limit=int((params or {})["max_fetched"])
        )
    set_label(
        f"{stripe_conn_id}: {report.fetched:,} fetched, {report.gone:,} gone, {report.failed:,} failed, "
        f"{report.left:,} left"
    )
    return asdict(report)


@task
def report_failures() -> None:
    """Fails when something could not be fetched; names it. It stays in the queue for the next run."""
    with settings.warehouse_connection() as connection:
        enrichment_queue.report_failures(connection)
    log.info("nothing failed")
