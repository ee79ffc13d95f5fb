"""Task of stripe_events: the lists of which no event tells."""

import logging
from typing import Any

from airflow.sdk import task

from tallyhouse import polling, settings
from tallyhouse.tasks.common import run_name
from tallyhouse.tasks.labels import BY_CONNECTION, set_label

log = logging.getLogger(__name__)


@task(map_index_template=BY_CONNECTION)
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
    found = f"{stripe_conn_id}: " + ("nothing new to read" if new is None else f"{new:,} new rows")
    log.info("%s", found)
    set_label(found)
