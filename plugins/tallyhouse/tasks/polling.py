"""Task of stripe_events: the lists of which no event tells."""

from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import polling, settings
from tallyhouse.tasks.common import run_name


@task
def poll_lists(stripe_conn_id: str = settings.STRIPE_CONN_ID, dag_run: Any = None) -> int:
    """Reads what is new in each polled list into raw.object; skipped when nothing new can be read yet."""
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
        raise AirflowSkipException("nothing new can be read yet")
    return new
