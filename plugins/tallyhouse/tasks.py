"""Airflow's side of the library: the tasks that DAG files put in order."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, TriggerRule, task

from tallyhouse import ingest, settings, warehouse
from tallyhouse.checks import ChecksFailedError, read_checks, require_passed, run_checks
from tallyhouse.errors import GapError, RejectedRowsError, StripeAccessError, TallyhouseError
from tallyhouse.migrations import MigrationError, migrate
from tallyhouse.objects import LISTED, Model
from tallyhouse.windows import Window

log = logging.getLogger(__name__)

STRIPE_STAGED = Asset("stripe_staged")
WAREHOUSE_LOADED = Asset("warehouse_loaded")

FIRST_DAY_OF_STRIPE = date(2011, 1, 1)
"""No object is older: a backfill from here leaves nothing out (Stripe opened in September 2011)."""

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "tallyhouse",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[StripeAccessError, RejectedRowsError, GapError, ChecksFailedError, MigrationError],
                action=RetryAction.FAIL,
                reason="Only a person can mend this; a retry would not.",
            ),
            # A setting or a form that makes no sense; the errors derived from it are judged one by one.
            RetryRule(
                exception=TallyhouseError,
                action=RetryAction.FAIL,
                match_subclasses=False,
                reason="Mend the connection's settings or the trigger form.",
            ),
        ]
    ),
}
"""Of every task: failures that pass are retried after 1, 2 and 4 minutes, the others fail at once."""


@task
def migrate_schema() -> None:
    """Brings the warehouse's schema to what include/sql says."""
    with settings.warehouse_connection() as connection:
        log.info("%s", migrate(connection, settings.SQL_ROOT).describe())


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
        report = ingest.stage_events(connection, client, client.account(), Window.from_dict(window), _run_name(dag_run))
    return asdict(report)


@task
def plan_lists(params: Mapping[str, Any] | None = None) -> list[str]:
    """The kinds of objects to list, from the trigger form; TallyhouseError when its dates make no sense."""
    form = params or {}
    _created_range(form, datetime.now(UTC))
    return [name for name in LISTED if name in form["objects"]]


@task(map_index_template="{{ task.op_kwargs['object_name'] }}")
def stage_lists(
    object_name: str,
    stripe_conn_id: str = settings.STRIPE_CONN_ID,
    params: Mapping[str, Any] | None = None,
    dag_run: Any = None,
) -> list[dict[str, Any]]:
    """Lists one kind of object into raw.object, slice by slice, each of them committed.

    A try that follows skips what the run has committed; a last slice that ends "now" has a new end then, and is
    read again.
    """
    stripe = settings.stripe_settings(stripe_conn_id)
    form = params or {}
    reports = []
    with settings.warehouse_connection() as connection, stripe.client() as client:
        account = client.account()
        start, end = _created_range(form, account.clock)
        slices = ingest.plan_slices([object_name], start, end, form["slice_days"])
        for done, part in enumerate(slices, start=1):
            report = ingest.stage_list(connection, client, account, part.object_name, part.window, _run_name(dag_run))
            reports.append(asdict(report))
            log.info("slice %d of %d done", done, len(slices))
    return reports


@task
def report_rejects() -> None:
    """Fails, after everything else is in, when rows had to be rejected and no run has told of them; names them."""
    with settings.warehouse_connection() as connection:
        ingest.report_rejects(connection)
    log.info("no row was rejected")


@task
def report_gaps() -> None:
    """Fails, beside the staging, when a gap was found and no run has told of it; names the stretch of time."""
    with settings.warehouse_connection() as connection:
        ingest.report_gaps(connection)
    log.info("no gap was found")


# Published as soon as one batch is in: what failed beside it makes the run red, but must not hold the rest back.
@task(outlets=[STRIPE_STAGED], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def publish_staged() -> None:
    """Tells that new rows are in the raw layer: the DAG warehouse follows."""


@task(outlets=[WAREHOUSE_LOADED])
def publish_loaded() -> None:
    """Tells that dims and facts are up to date and checked: the DAG marts follows."""


class ModelOperator(SQLExecuteQueryOperator):
    """Applies every pending batch to one dim or fact; its log shows the counts.

    A document that cannot be read is set aside, instead of blocking the model (see `run_despite_unreadable`).
    """

    def __init__(self, *, model: Model, **kwargs: Any):
        super().__init__(
            task_id=model.name,
            conn_id=settings.WAREHOUSE_CONN_ID,
            sql=model.sql_file,
            hook_params={"enable_log_db_messages": True},
            do_xcom_push=False,
            **kwargs,
        )
        self.model = model

    def execute(self, context: Any) -> None:
        """Runs the model's file."""
        warehouse.run_despite_unreadable(
            lambda: super(ModelOperator, self).execute(context), settings.warehouse_connection, self.model
        )


def refresh_mart(name: str) -> SQLExecuteQueryOperator:
    """The task that refreshes one materialized view while its readers go on reading."""
    return SQLExecuteQueryOperator(
        task_id=name,
        conn_id=settings.WAREHOUSE_CONN_ID,
        sql=warehouse.refresh_statement(name),
        do_xcom_push=False,
    )


@task
def check(layer: str, dag_run: Any = None) -> None:
    """Runs the checks of a layer; fails when a rule does not hold, with the rows that break it."""
    checks = [item for item in read_checks(settings.SQL_ROOT) if item.layer == layer]
    with settings.warehouse_connection() as connection:
        results = run_checks(connection, checks, dag_run.run_id)
    for result in results:
        log.info("%s", result.describe())
    require_passed(results)


def _run_name(dag_run: Any) -> str:
    """How ops.batch names a run: the same for every task and every try of it."""
    return f"{dag_run.dag_id}/{dag_run.run_id}"


def _created_range(form: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """[from, to) in UTC of a trigger form; without a start, everything, and without an end, all until now."""

    def parse(name: str, default: datetime) -> datetime:
        return datetime.fromisoformat(form[name]).replace(tzinfo=UTC) if form.get(name) else default

    start = parse("created_from", datetime.combine(FIRST_DAY_OF_STRIPE, datetime.min.time(), UTC))
    end = parse("created_to", now.replace(microsecond=0) + timedelta(seconds=1))
    if start >= end:
        raise TallyhouseError(f"created_from ({start:%Y-%m-%d}) must be before created_to ({end:%Y-%m-%d}).")
    return start, end
