"""Tasks of stripe_backfill: what the form asks for, listed slice by slice."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import task

from tallyhouse import ingest, settings
from tallyhouse.errors import TallyhouseError
from tallyhouse.objects import LISTED
from tallyhouse.tasks.common import run_name

log = logging.getLogger(__name__)

FIRST_DAY_OF_STRIPE = date(2011, 1, 1)
"""No object is older: a backfill from here leaves nothing out (Stripe opened in September 2011)."""


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
            report = ingest.stage_list(connection, client, account, part.object_name, part.window, run_name(dag_run))
            reports.append(asdict(report))
            log.info("slice %d of %d done", done, len(slices))
    return reports


def _created_range(form: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """[from, to) in UTC of a trigger form; without a start, everything, and without an end, all until now."""

    def parse(name: str, default: datetime) -> datetime:
        return datetime.fromisoformat(form[name]).replace(tzinfo=UTC) if form.get(name) else default

    start = parse("created_from", datetime.combine(FIRST_DAY_OF_STRIPE, datetime.min.time(), UTC))
    end = parse("created_to", now.replace(microsecond=0) + timedelta(seconds=1))
    if start >= end:
        raise TallyhouseError(f"created_from ({start:%Y-%m-%d}) must be before created_to ({end:%Y-%m-%d}).")
    return start, end
