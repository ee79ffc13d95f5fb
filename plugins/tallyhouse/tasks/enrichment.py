"""Tasks of stripe_enrichment: what documents name or lack, fetched; what was staged, told; what failed, red."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk import TriggerRule, task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import enrichment, settings
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task
def fetch_wanted(
    stripe_conn_id: str = settings.STRIPE_CONN_ID, params: Mapping[str, Any] | None = None, dag_run: Any = None
) -> dict[str, int]:
    """Fetches what is open in ops.enrichment for one key, and commits it chunk by chunk."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        report = enrichment.fetch_wanted(
            connection, client, client.account(), run_name(dag_run), limit=int((params or {})["max_fetched"])
        )
    return asdict(report)


# Also after a task that failed: the chunks that it had committed are there.
@task(trigger_rule=TriggerRule.ALL_DONE)
def anything_staged(dag_run: Any = None) -> int:
    """Skips the publication when this run has staged nothing: there the circle of loads and fetches ends."""
    with settings.warehouse_connection() as connection:
        staged = enrichment.count_staged(connection, run_name(dag_run))
    if not staged:
        raise AirflowSkipException("nothing was staged")
    log.info("%d rows were staged", staged)
    return staged


@task
def report_failures() -> None:
    """Fails when something could not be fetched; names it. It stays in the queue for the next run."""
    with settings.warehouse_connection() as connection:
        enrichment.report_failures(connection)
    log.info("nothing failed")
