"""What several DAGs share: assets, retries, the schema, checks, and what makes a run red."""

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, TriggerRule, task

from tallyhouse import ingest, settings
from tallyhouse.checks import ChecksFailedError, read_checks, require_passed, run_checks
from tallyhouse.errors import (
    EnrichmentError,
    GapError,
    ReconciliationError,
    RejectedRowsError,
    StripeAccessError,
    TallyhouseError,
)
from tallyhouse.migrations import MigrationError, migrate

log = logging.getLogger(__name__)

STRIPE_STAGED = Asset("stripe_staged")
WAREHOUSE_LOADED = Asset("warehouse_loaded")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "tallyhouse",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[
                    StripeAccessError,
                    RejectedRowsError,
                    GapError,
                    ReconciliationError,
                    EnrichmentError,
                    ChecksFailedError,
                    MigrationError,
                ],
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
def report_rejects() -> None:
    """Fails, after everything else is in, when rows had to be rejected and no run has told of them; names them."""
    with settings.warehouse_connection() as connection:
        ingest.report_rejects(connection)
    log.info("no row was rejected")


# Published as soon as one batch is in: what failed beside it makes the run red, but must not hold the rest back.
@task(outlets=[STRIPE_STAGED], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def publish_staged() -> None:
    """Tells that new rows are in the raw layer: the DAG warehouse follows."""


@task(outlets=[WAREHOUSE_LOADED])
def publish_loaded() -> None:
    """Tells that dims and facts are up to date and checked: the DAG marts follows."""


@task
def check(layer: str, dag_run: Any = None) -> None:
    """Runs the checks of a layer; fails when a rule does not hold, with the rows that break it."""
    checks = [item for item in read_checks(settings.SQL_ROOT) if item.layer == layer]
    with settings.warehouse_connection() as connection:
        results = run_checks(connection, checks, dag_run.run_id)
    for result in results:
        log.info("%s", result.describe())
    require_passed(results)


def run_name(dag_run: Any) -> str:
    """How ops.batch names a run: the same for every task and every try of it."""
    return f"{dag_run.dag_id}/{dag_run.run_id}"
