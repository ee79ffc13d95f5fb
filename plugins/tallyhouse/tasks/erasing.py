"""Tasks of erase_customer: what would go is counted; if approved, the raw layer is redacted, and the rest follows."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from tallyhouse import erasure, settings
from tallyhouse.erasure_record import Request
from tallyhouse.tasks import approving
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)


@task
def count_rows(params: Mapping[str, Any] | None = None, dag_run: Any = None) -> str:
    """What the warehouse holds of the customer, by table, and who else may be the same person; changes nothing.

    Returns it as Markdown, for whoever approves. Fails when there is no such customer.
    """
    request = _request(params or {}, dag_run)
    with settings.warehouse_connection() as connection:
        found = erasure.count(connection, request)
    log.info("%s", found.describe())
    for line in found.describe_others():
        log.warning("%s", line)
    return approving.describe(request, found)


@task
def erase_raw(answer: Mapping[str, Any], params: Mapping[str, Any] | None = None, dag_run: Any = None) -> list[int]:
    """Redacts the raw layer for good, if that was approved; else it records who rejected it, and is skipped."""
    is_approved, who = approving.is_approved(answer), approving.who(answer)
    request = _request(params or {}, dag_run)
    with settings.warehouse_connection() as connection:
        if not is_approved:
            erasure.reject(connection, request, who)
            raise AirflowSkipException(f"{who} has rejected it: nothing was erased. ops.erasure has the record.")
        erased = erasure.erase(connection, request, who)
    log.info("approved by %s; %s", who, erased.describe())
    return list(erased.erasure_ids)


@task
def follow(erasure_ids: list[int]) -> None:
    """Lets dims and facts follow, and looks whether anything personal is left there."""
    with settings.warehouse_connection() as connection:
        erasure.follow(connection, settings.SQL_ROOT, erasure_ids)
    log.info("nothing personal is left in dims and facts; ops.erasure has the record")


def _request(form: Mapping[str, Any], dag_run: Any) -> Request:
    """What the form asks for."""
    return Request(
        customer_id=form["customer_id"].strip(),
        account_id=(form.get("account_id") or "").strip() or None,
        reason=form["reason"],
        reference=form.get("reference") or None,
        requested_by=dag_run.triggering_user_name,
        run_id=run_name(dag_run),
    )
