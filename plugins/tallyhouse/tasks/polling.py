"""Task of stripe_events: the lists of which no event tells."""

import logging
from typing import Any

from airflow.sdk import task

from tallyhouse import polling, settings
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task(map_index_template="{{ task.op_kwargs['stripe_conn_id'] }}")
def poll_lists(stripe_conn_id: str, dag_run: Any = None) -> None:
    """Reads what is new in each polled list of one account into raw.object."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        new = polling.poll_lists(
            connection,
            client,
            client.account(),
            run_name(dag_run),
            lag=stripe.lag,
            overlap=stripe.overlap,
            max_window=stripe.max_window,
        )
    if new is None:
        log.info("%s: nothing new to read", stripe_conn_id)
