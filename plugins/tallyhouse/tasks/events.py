"""Tasks of stripe_events: windows planned, read and committed."""

import logging
from dataclasses import asdict
from typing import Any

from airflow.sdk import task

from tallyhouse import ingest, settings
from tallyhouse.tasks.common import run_name
from tallyhouse.windows import Window

log = logging.getLogger(__name__)


@task
def plan_windows(stripe_conn_id: str = settings.STRIPE_CONN_ID) -> list[dict[str, str]]:
    """The windows of events to read now, oldest first."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        windows = ingest.plan_events(
            connection,
            client,
            client.account(),
            lag=stripe.lag,
            overlap=stripe.overlap,
            max_window=stripe.max_window,
        )
    log.info("%d windows to read: %s", len(windows), "; ".join(str(window) for window in windows))
    return [window.as_dict() for window in windows]


# One at a time: they share one watermark, and one process reads faster than Stripe allows.
@task(max_active_tis_per_dagrun=1, map_index_template="{{ task.op_kwargs['window']['start'] }}")
def stage_events(
    window: dict[str, str], stripe_conn_id: str = settings.STRIPE_CONN_ID, dag_run: Any = None
) -> dict[str, Any]:
    """Reads one window of events into raw.event and commits it with the watermark."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        report = ingest.stage_events(connection, client, client.account(), Window.from_dict(window), run_name(dag_run))
    return asdict(report)


@task
def report_gaps() -> None:
    """Fails, beside the staging, when a gap was found and no run has told of it; names the stretch of time."""
    with settings.warehouse_connection() as connection:
        ingest.report_gaps(connection)
    log.info("no gap was found")
