"""What several DAGs share: assets, retries, the schema, checks, and what makes a run red."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from airflow.sdk import (
    Asset,
    AssetAlias,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    TriggerRule,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import gaps, ingest, measures, plans, settings
from tallyhouse.checks import ChecksFailedError, OvertakenError, read_checks, require_passed, run_checks
from tallyhouse.errors import (
    EnrichmentError,
    GapError,
    KindsRefusedError,
    ReconciliationError,
    RejectedRowsError,
    StripeAccessError,
    TallyhouseError,
)
from tallyhouse.file_reading import UnreadableFileError
from tallyhouse.migrations import MigrationError, migrate
from tallyhouse.objects import MODELS
from tallyhouse.tasks import metrics
from tallyhouse.tasks.labels import set_label
from tallyhouse.tasks.notifying import tell_failure

log = logging.getLogger(__name__)

STRIPE_STAGED = Asset("stripe_staged")
FILES_STAGED = Asset("files_staged")
WAREHOUSE_LOADED = Asset("warehouse_loaded")
GAP_FOUND = Asset("stripe_gap_found")
# An alias: the asset is published only by the runs that find a gap.
GAP_FOUND_ALIAS = AssetAlias("stripe_gap_found_by_run")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "tallyhouse",
    "on_failure_callback": tell_failure,
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[
                    StripeAccessError,
                    KindsRefusedError,
                    RejectedRowsError,
                    GapError,
                    ReconciliationError,
                    EnrichmentError,
                    ChecksFailedError,
                    MigrationError,
                    UnreadableFileError,
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
"""Of every task: failures that pass are retried after 1, 2 and 4 minutes, others fail at once; then people are told."""


@task
def migrate_schema() -> None:
    """Brings the warehouse's schema to what include/sql says."""
    with settings.warehouse_connection() as connection:
        log.info("%s", migrate(connection, settings.SQL_ROOT).describe())


@task
def list_accounts(params: Mapping[str, Any] | None = None) -> list[str]:
    """The Airflow connections to Stripe: of the trigger form those it names, or else all."""
    found = settings.stripe_connections((params or {}).get("connections") or ())
    log.info("%d connections to Stripe: %s", len(found), ", ".join(found))
    return found


# An account that could not be planned must not hold the others back; it makes the run red along another way.
@task(trigger_rule=TriggerRule.ALL_DONE)
def by_turns(planned: Iterable[Sequence[dict[str, Any]] | None]) -> list[dict[str, Any]]:
    """The shares of all accounts, by turns, so that no account waits for another's end."""
    rounds = zip_longest(*(of_account or () for of_account in planned))
    return [share for turn in rounds for share in turn if share is not None]


@task
def report_rejects() -> None:
    """Fails, after everything else is in, when rows had to be rejected and no run has told of them; names them."""
    with settings.warehouse_connection() as connection:
        try:
            ingest.report_rejects(connection)
        except RejectedRowsError as error:
            metrics.tell([measures.Measure("rejects", len(error.rejects))])
            raise
    log.info("no row was rejected")


# Also after a listing that was skipped, because there was nothing that the key may list.
@task(trigger_rule=TriggerRule.NONE_FAILED)
def report_refused(dag_run: Any = None) -> None:
    """Fails, after everything else is in, when the key may not list some kinds of objects; names them."""
    with settings.warehouse_connection() as connection:
        refused = plans.refused_kinds(connection, run_name(dag_run))
    if refused:
        raise KindsRefusedError(refused)
    log.info("no kind was refused")


# Published as soon as one batch is in: what failed beside it makes the run red, but must not hold the rest back.
@task(outlets=[STRIPE_STAGED], trigger_rule=TriggerRule.ALL_DONE)
def publish_staged(dag_run: Any = None) -> None:
    """Tells that new rows are in the raw layer: the DAG warehouse follows. Skipped when the run has committed none.

    Its log has the sums of the run, and so has whoever collects Airflow's metrics.
    """
    with settings.warehouse_connection() as connection:
        log.info("%s", measures.describe_run(connection, run_name(dag_run)))
        metrics.tell([*measures.claim_staged(connection), *measures.reaches(connection)])
        if not plans.has_committed(connection, run_name(dag_run)):
            raise AirflowSkipException("nothing was staged")


@task(outlets=[WAREHOUSE_LOADED])
def publish_loaded() -> None:
    """Tells that dims and facts are up to date and checked: the DAG marts follows."""


# Before the checks, whose failure says nothing about what was loaded.
@task
def close_gaps() -> None:
    """Closes the gaps that were filled and are loaded by every model now."""
    with settings.warehouse_connection() as connection:
        for gap in gaps.close_gaps(connection, [model.name for model in MODELS]):
            log.info("closed the gap of %s", gap)


@task
def check(layer: str, mark: str | None = None, dag_run: Any = None) -> None:
    """Runs the checks of a layer; fails when a rule does not hold, with the rows that break it.

    `mark`: `LoadState.mark` when the run began. When a load has begun since, tables and views may show two
    states, and the task is skipped: the run of marts that follows the load checks them.
    """
    checks = [item for item in read_checks(settings.SQL_ROOT) if item.layer == layer]
    with settings.warehouse_connection() as connection:
        try:
            results = run_checks(connection, checks, dag_run.run_id, mark)
        except OvertakenError as overtaken:
            raise AirflowSkipException(str(overtaken)) from overtaken
    for result in results:
        log.info("%s", result.describe())
    require_passed(results)


def show_progress(whose: str, progress: plans.Progress, noun: str) -> None:
    """Puts a run's progress into the task's log, and makes it the label of the mapped task."""
    line = f"{whose}: {progress.describe(noun)}"
    log.info("%s", line)
    set_label(line)


def run_name(dag_run: Any) -> str:
    """How ops.batch names a run: the same for every task and every try of it."""
    return f"{dag_run.dag_id}/{dag_run.run_id}"
