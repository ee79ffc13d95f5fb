"""A client of Airflow's REST API v2: only the calls that the demo makes, as typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from demo.errors import DemoError

ACTIVE_STATES = frozenset({"queued", "running"})


@dataclass(frozen=True)
class DagRun:
    """One run of a DAG; times are aware, and None until they happen."""

    dag_id: str
    run_id: str
    state: str
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether it is still to end."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True)
class TaskInstance:
    """One task of a run; `map_index` is -1 unless the task is mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


class AirflowApi:
    """Talks to one api-server. Each call raises DemoError with Airflow's own words when it is refused.

    `patience`: seconds for which what only reads is asked again, while the server has no answer.
    """

    def __init__(self, base_url: str, user: str, password: str, patience: float = 60) -> None:
        self.base_url = base_url
        self._patience = patience
        self._user, self._password = user, password
        self._http = httpx.Client(base_url=base_url, timeout=30, trust_env=False)

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def is_up(self) -> bool:
        """Whether the api-server answers at all."""
        try:
            return self._http.get("/api/v2/version", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def log_in(self) -> None:
        """Gets the token that every other call sends."""
        token = self._call("POST", "/auth/token", json={"username": self._user, "password": self._password})
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"

    def unhealthy(self) -> list[str]:
        """Names of those of scheduler and dag-processor that have not reported yet, or lately."""
        health = self._call("GET", "/api/v2/monitor/health")
        wanted = ("scheduler", "dag_processor")
        return [name for name in wanted if (health.get(name) or {}).get("status") != "healthy"]

    def dags(self) -> dict[str, dict[str, Any]]:
        """All DAGs that are parsed, by id, as Airflow describes them."""
        found = self._call("GET", "/api/v2/dags", params={"limit": 100})
        return {item["dag_id"]: item for item in found["dags"]}

    def import_errors(self) -> dict[str, str]:
        """DAG files that could not be parsed, with the traceback of each."""
        found = self._call("GET", "/api/v2/importErrors")
        return {item["filename"]: item["stack_trace"] for item in found["import_errors"]}

    def unpause(self, dag_id: str) -> None:
        """Lets the scheduler run a DAG."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> DagRun:
        """Queues a run with no logical date, as the button in the UI does."""
        body = {"logical_date": None, "conf": dict(conf)}
        return _run(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body))

    def runs(self, since: datetime) -> list[DagRun]:
        """Runs of all DAGs that are active, or ended at `since` or later; oldest first."""
        found = {}
        for params in ({"state": ["queued", "running"]}, {"end_date_gte": since.isoformat()}):
            page = self._call("GET", "/api/v2/dags/~/dagRuns", params={"limit": 100, **params})
            for item in page["dag_runs"]:
                found[item["dag_id"], item["dag_run_id"]] = _run(item)
        return sorted(found.values(), key=lambda run: (str(run.queued_at), run.dag_id))

    def last_run(self, dag_id: str, *states: str) -> DagRun | None:
        """The run of a DAG in one of the states that ended last."""
        params = {"state": list(states), "order_by": "-end_date", "limit": 1}
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=params)["dag_runs"]
        return _run(found[0]) if found else None

    def tasks(self, run: DagRun) -> list[TaskInstance]:
        """All task instances of a run."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        found: list[TaskInstance] = []
        while True:
            page = self._call("GET", path, params={"limit": 100, "offset": len(found)})
            found += [_task(item) for item in page["task_instances"]]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def _call(self, method: str, path: str, **request: Any) -> Any:
        # What only reads is asked again: beside four tasks, on few cores, an answer may be long in coming.
        failed = retry_if_result(lambda answer: answer.is_server_error)
        again = Retrying(
            retry=retry_if_exception_type(httpx.TransportError) | failed,
            stop=stop_after_delay(self._patience) if method == "GET" else stop_after_attempt(1),
            wait=wait_fixed(1),
            retry_error_callback=lambda last: last.outcome and last.outcome.result(),
        )
        try:
            answer = again(self._http.request, method, path, **request)
            if answer.status_code == 401 and path != "/auth/token":
                self.log_in()  # the token has expired: the demo may stay for days
                answer = again(self._http.request, method, path, **request)
        except httpx.HTTPError as error:
            raise DemoError(f"Airflow's api-server at {self.base_url} does not answer ({error!r}).") from error
        if answer.is_error:
            raise DemoError(f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()


def _run(item: Mapping[str, Any]) -> DagRun:
    return DagRun(
        item["dag_id"],
        item["dag_run_id"],
        item["state"],
        _time(item.get("queued_at")),
        _time(item.get("start_date")),
        _time(item.get("end_date")),
    )


def _task(item: Mapping[str, Any]) -> TaskInstance:
    return TaskInstance(
        item["dag_id"],
        item["dag_run_id"],
        item["task_id"],
        item["map_index"],
        item["try_number"],
        item["state"] or "none",
        _time(item.get("start_date")),
        _time(item.get("end_date")),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
