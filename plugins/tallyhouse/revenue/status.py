"""How far the numbers can be trusted: how far the data reach, gaps, checks, comparisons with Stripe, their runs."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

DAGS = (
    "stripe_events",
    "stripe_backfill",
    "stripe_enrichment",
    "acquisition",
    "warehouse",
    "marts",
    "stripe_reconcile",
    "warehouse_rebuild",
)
"""The DAGs by which numbers come to be, in their order."""

LATE_AFTER_HOURS = 2
"""Data that reach less far are late: a run an hour, each of which reads to its beginning and has an hour itself."""

_FRESHNESS = """
select account_id, livemode, data_through, open_gaps
from mart.freshness
where livemode = %(livemode)s and (%(account_id)s::text is null or account_id = %(account_id)s)
order by account_id
"""
_GAPS = """
select
    account_id, min(gap_from) as gap_from, max(gap_to) as gap_to, count(*) as days,
    bool_and(is_relisted) as is_relisted, bool_or(is_refused) as is_refused
from mart.gap_daily
where livemode = %(livemode)s and (%(account_id)s::text is null or account_id = %(account_id)s)
group by account_id
order by account_id
"""
_CHECKS = """
select check_name, layer, run_id, status, failing_count, threshold, first_rows, checked_at
from mart.check_status
order by status <> 'failed', status <> 'warned', check_name
"""
_DIFFERENCES = """
select
    account_id, object_type, run_id, listed_objects, compared_at,
    never_seen_differences as never_seen, stale_differences as stale, deleted_differences as deleted,
    unknown_shape_differences as unknown_shape, later_than_lag_differences as later_than_lag,
    unexplained_differences as unexplained
from mart.reconciliation_status
where livemode = %(livemode)s and (%(account_id)s::text is null or account_id = %(account_id)s)
order by unexplained_differences desc, differences - later_than_lag_differences desc, object_type
"""
_REFRESHED = "select min(refreshed_at) as oldest, max(refreshed_at) as newest from mart.refresh_status"


@dataclass(frozen=True)
class FailedTask:
    """A task that failed in a run; of a mapped one `map_index` is that of the first that did, of any other -1."""

    task_id: str
    map_index: int


@dataclass(frozen=True)
class LastRun:
    """What Airflow knows of a DAG: its last run that ended, and the one that is under way.

    States are Airflow's; `failed_tasks` are of the last run; None: there has been no run.
    """

    dag_id: str
    is_paused: bool
    run_id: str | None = None
    state: str | None = None
    ended_at: datetime | None = None
    failed_tasks: Sequence[FailedTask] = ()
    active_run_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As the page reads it."""
        return asdict(self) | {"ended_at": _instant(self.ended_at)}


class Runs(Protocol):
    """What Airflow can tell of runs to whoever asks."""

    def last(self) -> list[LastRun]:
        """What became of each DAG last, of those that may be seen."""
        ...

    def dags_of(self, run_ids: Collection[str]) -> dict[str, str]:
        """Run -> its DAG, of those that may be seen."""
        ...


def add_runs(status: dict[str, Any], runs: Runs) -> dict[str, Any]:
    """A status of `read_status`, with the last runs, and with the DAG of each run that made a check."""
    others = status["checks"]["others"]
    dags = runs.dags_of({row["run_id"] for row in others})
    checks = status["checks"] | {"others": [row | {"dag_id": dags.get(row["run_id"])} for row in others]}
    return status | {"checks": checks, "runs": [run.as_json() for run in runs.last()]}


def read_status(connection: psycopg.Connection, livemode: bool, account_id: str | None) -> dict[str, Any]:
    """All of it that the warehouse knows, as the page reads it; instants are ISO 8601 in UTC."""
    asked = {"livemode": livemode, "account_id": account_id}
    cursor = connection.cursor(row_factory=dict_row)
    checks = cursor.execute(_CHECKS).fetchall()
    return {
        "late_after_hours": LATE_AFTER_HOURS,
        "freshness": _rows(cursor.execute(_FRESHNESS, asked).fetchall()),
        "gaps": _rows(cursor.execute(_GAPS, asked).fetchall()),
        "checks": {
            "passed": sum(row["status"] == "passed" for row in checks),
            "checked_at": _instant(max((row["checked_at"] for row in checks), default=None)),
            "others": [row for row in _rows(checks) if row["status"] != "passed"],
        },
        "reconciliation": [_with_run(row) for row in _rows(cursor.execute(_DIFFERENCES, asked).fetchall())],
        "refreshed": _rows(cursor.execute(_REFRESHED).fetchall())[0],
    }


def _with_run(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose run is named <DAG>/<run>, with the two apart."""
    dag_id, _, run_id = row["run_id"].partition("/")
    return row | {"dag_id": dag_id, "run_id": run_id}


def _rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: _instant(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in rows
    ]


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None
