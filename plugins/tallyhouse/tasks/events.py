"""Tasks of stripe_events: windows planned, read and committed for each account, and what is missing watched over."""

import logging
from typing import Any

from airflow.sdk import TriggerRule, task

from tallyhouse import gaps, ingest, plans, settings
from tallyhouse.tasks.common import GAP_FOUND, GAP_FOUND_ALIAS, run_name, show_progress
from tallyhouse.tasks.labels import BY_CONNECTION, label_by
from tallyhouse.windows import Window

log = logging.getLogger(__name__)


@task(map_index_template=BY_CONNECTION)
def plan_windows(stripe_conn_id: str, dag_run: Any = None) -> dict[str, Any]:
    """The windows of events of one account to read now, oldest first."""
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        windows = ingest.plan_events(
            connection,
            client,
            client.account(),
            run_id=run_name(dag_run),
            lag=stripe.lag,
            overlap=stripe.overlap,
            max_window=stripe.max_window,
        )
    log.info("%d windows to read: %s", len(windows), "; ".join(str(window) for window in windows))
    return {"stripe_conn_id": stripe_conn_id, "windows": [window.as_dict() for window in windows]}


# An account whose plan failed must not hold the others back; it makes the run red along another way.
@task(
    trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
    map_index_template=label_by("task.op_kwargs['plan']['stripe_conn_id']"),
)
def stage_events(plan: dict[str, Any], dag_run: Any = None) -> None:
    """Reads the windows of one account into raw.event, one after another: they share one watermark.

    Each is committed with the watermark; a try that follows goes on with those that are left.
    """
    stripe = settings.stripe_settings(plan["stripe_conn_id"])
    run_id = run_name(dag_run)
    windows = [Window.from_dict(window) for window in plan["windows"]]
    if not windows:
        log.info("%s: nothing new to read", stripe.conn_id)
        return
    with settings.warehouse_connection() as connection, stripe.client() as client:
        account = client.account()
        for window in plans.pending_windows(connection, account, run_id, windows):
            try:
                ingest.stage_events(connection, client, account, window, run_id)
            except Exception as error:
                with settings.warehouse_connection() as another:
                    plans.keep_error(another, account, run_id, None, window, error)
                raise
            show_progress(stripe.conn_id, plans.read_progress(connection, account, run_id, "events"), "windows")


# Whatever became of the tasks before: what they did not read is what this one is for.
@task(trigger_rule=TriggerRule.ALL_DONE, outlets=[GAP_FOUND_ALIAS])
def watch_gaps(dag_run: Any = None, outlet_events: Any = None) -> None:
    """Records the windows that could not be read, and asks for a listing of all objects where events are lost."""
    with settings.warehouse_connection() as connection:
        for failed in gaps.record_failed(connection, run_name(dag_run)):
            log.error("not read, and recorded in ops.gap until a later run has: %s", failed)
        asked = gaps.ask_relisting(connection)
    for gap in asked:
        log.warning("stripe_backfill is asked to list all objects, to close the gap of %s", gap)
    if asked:
        outlet_events[GAP_FOUND_ALIAS].add(GAP_FOUND)


@task
def report_gaps() -> None:
    """Fails, beside the staging, when events are lost and no run has told of it; names the stretch of time."""
    with settings.warehouse_connection() as connection:
        gaps.report_gaps(connection)
    log.info("no gap was found")
