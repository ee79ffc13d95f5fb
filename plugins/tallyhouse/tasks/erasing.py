"""Tasks of erase_customer: what would go is counted, the raw layer redacted, dims and facts brought after it."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import erasure, settings
from tallyhouse.errors import TallyhouseError
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task
def count_rows(params: Mapping[str, Any] | None = None, dag_run: Any = None) -> dict[str, int]:
    """What the warehouse holds of the customer, by table, and who else may be the same person; changes nothing.

    Fails when there is no such customer, and before it looks, when the customer's id was not typed twice.
    """
    request = _request(params or {}, dag_run)
    with settings.warehouse_connection() as connection:
        found = erasure.count(connection, request)
    log.info("%s", found.describe())
    log.info("%s", found.describe_days())
    for line in found.describe_others():
        log.warning("%s", line)
    return dict(found.rows)


@task
def erase_raw(params: Mapping[str, Any] | None = None, dag_run: Any = None) -> list[int]:
    """Redacts the raw layer for good; skipped in a dry run."""
    form = params or {}
    if form["is_dry_run"]:
        raise AirflowSkipException("a dry run: nothing was changed. The log of count_rows says what would be.")
    request = _request(form, dag_run)
    with settings.warehouse_connection() as connection:
        erased = erasure.erase(connection, request)
    log.info("%s", erased.describe())
    return list(erased.erasure_ids)


@task
def follow(erasure_ids: list[int]) -> None:
    """Lets dims and facts follow, and looks whether anything personal is left there."""
    with settings.warehouse_connection() as connection:
        erasure.follow(connection, settings.SQL_ROOT, erasure_ids)
    log.info("nothing personal is left in dims and facts; ops.erasure has the record")


def _request(form: Mapping[str, Any], dag_run: Any) -> erasure.Request:
    """What the form asks for; TallyhouseError when not one id was typed, and but for a dry run twice."""
    customer_id, user_id, again = (
        (form.get(name) or "").strip() or None for name in ("customer_id", "user_id", "customer_id_again")
    )
    if (customer_id is None) == (user_id is None):
        raise TallyhouseError(
            "The form needs the id of a customer, or that of a user of the app who is none: one of them. Nothing was "
            "changed."
        )
    if not form["is_dry_run"] and again != (customer_id or user_id):
        raise TallyhouseError(
            "The form has two different customers or users: type the same id once more. Nothing was changed."
        )
    return erasure.Request(
        customer_id=customer_id,
        user_id=user_id,
        account_id=(form.get("account_id") or "").strip() or None,
        reason=form["reason"],
        reference=form.get("reference") or None,
        requested_by=dag_run.triggering_user_name,
        run_id=run_name(dag_run),
    )
