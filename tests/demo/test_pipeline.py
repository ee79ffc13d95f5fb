"""When the run through the pipeline is over, against an HTTP server that answers as Airflow's API does."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.airflow_api import AirflowApi
from demo.counts import Counts
from demo.errors import DemoError
from demo.pipeline import DAG_IDS, FAILED_SECONDS, SETTLE_SECONDS, STALL_SECONDS, Outcome, Pipeline

SINCE = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LOADED = Counts(
    events=5,
    event_batches=1,
    objects=9,
    list_batches=1,
    models=2,
    models_done=2,
    last_applied_at=SINCE + timedelta(seconds=30),
)
LAGGING = replace(LOADED, models_done=1, lagging=("charge_fact",))


class ScriptedAirflow:
    """Runs and DAGs that a test sets, served over HTTP; keeps what was asked of it."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.next_runs: dict[str, str | None] = {}
        self.unpaused: list[str] = []
        self.triggered: list[str] = []
        self.tokens = 0
        self.busy_for = 0
        """Requests that are answered with 503 before the next one is served."""
        airflow = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: the test's output is for the test."""

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                status, answer = airflow.answer(self.command, self.path, self.headers, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = _serve

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        if self.busy_for:
            self.busy_for -= 1
            return 503, {"detail": "busy"}
        parts = urlsplit(path)
        query, words = parse_qs(parts.query), parts.path.strip("/").split("/")
        if parts.path == "/auth/token":
            self.tokens += 1
            return 201, {"access_token": f"token-{self.tokens}"}
        if headers["Authorization"] != f"Bearer token-{self.tokens}":
            return 401, {"detail": "expired"}
        if method == "PATCH":
            self.unpaused.append(words[3])
            return 200, {}
        if method == "POST":
            self.triggered.append(words[3])
            return 200, run(words[3], "queued")
        if words == ["api", "v2", "dags"]:
            names = ("stripe_events", "acquisition", "stripe_backfill", "warehouse", "stripe_enrichment", "marts")
            found = [{"dag_id": name, "next_dagrun_run_after": self.next_runs.get(name)} for name in names]
            return 200, {"dags": found}
        if words[-1] == "taskInstances":
            return 200, {"task_instances": [], "total_entries": 0}
        if words[3] == "~":
            states, since = query.get("state", []), query.get("end_date_gte", ["9999"])[0]
            found = [r for r in self.runs if r["state"] in states or str(r["end_date"] or "") >= since]
            return 200, {"dag_runs": found}
        wanted = [r for r in self.runs if r["dag_id"] == words[3] and r["state"] in query["state"]]
        return 200, {"dag_runs": sorted(wanted, key=lambda r: str(r["end_date"]))[-1:]}


def run(dag_id: str, state: str, started: float = 0) -> dict[str, Any]:
    start = SINCE + timedelta(seconds=started)
    ended = (start + timedelta(seconds=5)).isoformat() if state in ("success", "failed") else None
    return {
        "dag_id": dag_id,
        "dag_run_id": f"{dag_id}-{started}",
        "state": state,
        "queued_at": start.isoformat(),
        "start_date": None if state == "queued" else start.isoformat(),
        "end_date": ended,
    }


DONE = [run("stripe_events", "success", 1), run("warehouse", "success", 20), run("marts", "success", 40)]


@pytest.fixture
def airflow() -> Iterator[ScriptedAirflow]:
    scripted = ScriptedAirflow()
    thread = threading.Thread(target=scripted.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield scripted
    scripted.server.shutdown()
    thread.join()
    scripted.server.server_close()


class Clock:
    """Time that passes only when somebody sleeps; `later` are things that happen at a given second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Any]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at, happen in [entry for entry in self.later if entry[0] <= self.now]:
            self.later.remove((at, happen))
            happen()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _pipeline(airflow: ScriptedAirflow, clock: Clock, states: dict[str, Counts]) -> Pipeline:
    api = AirflowApi(airflow.url, "admin", "password")
    api.log_in()
    return Pipeline(api, lambda: states["now"], SINCE, lambda: clock.now, clock.sleep)


def _wait(airflow: ScriptedAirflow, clock: Clock, counts: Counts) -> Outcome:
    pipeline = _pipeline(airflow, clock, {"now": counts})
    return pipeline.wait(lambda snapshot: None, lambda: None)


def test_the_first_start_triggers_the_backfill_and_leaves_a_due_run_to_the_schedule(
    airflow: ScriptedAirflow, clock: Clock
) -> None:
    airflow.next_runs = dict.fromkeys(("stripe_events", "acquisition"), "2026-01-01T00:00:00Z")
    assert _pipeline(airflow, clock, {"now": Counts()}).start(is_listed=False) == ["stripe_backfill"]
    assert airflow.triggered == ["stripe_backfill"]


def test_a_later_start_triggers_only_what_runs_by_the_clock_when_none_is_due(
    airflow: ScriptedAirflow, clock: Clock
) -> None:
    airflow.next_runs = dict.fromkeys(("stripe_events", "acquisition"), "2999-01-01T00:00:00Z")
    assert _pipeline(airflow, clock, {"now": LOADED}).start(is_listed=True) == ["stripe_events", "acquisition"]


def test_a_backfill_that_failed_is_triggered_again(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.next_runs = dict.fromkeys(("stripe_events", "acquisition"), "2026-01-01T00:00:00Z")
    airflow.runs = [run("stripe_backfill", "success", -90), run("stripe_backfill", "failed", -60)]
    assert _pipeline(airflow, clock, {"now": LOADED}).start(is_listed=True) == ["stripe_backfill"]


def test_nothing_is_triggered_that_runs_already(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = [run(dag_id, "running") for dag_id in ("stripe_events", "acquisition", "stripe_backfill")]
    assert _pipeline(airflow, clock, {"now": Counts()}).start(is_listed=False) == []


def test_consumers_are_unpaused_before_what_they_wait_for(airflow: ScriptedAirflow, clock: Clock) -> None:
    _pipeline(airflow, clock, {"now": LOADED}).start(is_listed=True)
    assert airflow.unpaused == list(DAG_IDS)


def test_it_is_over_when_all_is_applied_and_marts_ran_after_that(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = DONE
    assert _wait(airflow, clock, LOADED).succeeded
    assert SETTLE_SECONDS <= clock.now <= SETTLE_SECONDS + 2


def test_a_run_that_follows_by_asset_is_waited_for(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = list(DONE)
    follower = run("marts", "running", 60)
    clock.later = [
        (1, lambda: airflow.runs.append(follower)),
        (20, lambda: follower.update(run("marts", "success", 60))),
    ]
    assert _wait(airflow, clock, LOADED).succeeded
    assert clock.now >= 20


def test_a_run_that_an_earlier_demo_left_unfinished_counts_once_it_has_ended(
    airflow: ScriptedAirflow, clock: Clock
) -> None:
    airflow.runs = [run("stripe_events", "success", -3), *DONE[1:]]
    assert _wait(airflow, clock, LOADED).succeeded


def test_a_run_that_failed_before_this_demo_is_not_its_failure(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = [run("warehouse", "failed", -60), *DONE]
    assert _wait(airflow, clock, LOADED).succeeded


def test_marts_that_ran_before_the_last_load_do_not_count(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = [run("stripe_events", "success", 1), run("marts", "success", 10)]
    outcome = _wait(airflow, clock, LOADED)
    assert not outcome.succeeded
    assert outcome.missing == "no run of marts after the last load"


def test_a_batch_that_nobody_applies_ends_the_wait_and_names_the_model(airflow: ScriptedAirflow, clock: Clock) -> None:
    airflow.runs = DONE
    outcome = _wait(airflow, clock, LAGGING)
    assert outcome.missing == "batches not yet applied by charge_fact"
    assert clock.now >= STALL_SECONDS


def test_a_failed_run_is_reported_once_nothing_else_goes_on(airflow: ScriptedAirflow, clock: Clock) -> None:
    other = run("stripe_backfill", "running", 2)
    airflow.runs = [run("stripe_events", "failed", 1), other]
    clock.later = [(30, lambda: other.update(run("stripe_backfill", "success", 2)))]
    outcome = _wait(airflow, clock, LOADED)
    assert [failed.dag_id for failed in outcome.failed_runs] == ["stripe_events"]
    assert 30 + FAILED_SECONDS <= clock.now < 30 + STALL_SECONDS


def test_a_process_that_died_ends_the_wait(airflow: ScriptedAirflow, clock: Clock) -> None:
    def dead() -> None:
        raise DemoError("scheduler ended with exit status 1.")

    with pytest.raises(DemoError, match="scheduler"):
        _pipeline(airflow, clock, {"now": LOADED}).wait(lambda snapshot: None, dead)


def test_an_expired_token_is_renewed(airflow: ScriptedAirflow, clock: Clock) -> None:
    pipeline = _pipeline(airflow, clock, {"now": LOADED})
    airflow.tokens += 1
    assert pipeline.api.runs(SINCE) == []


def test_an_api_server_that_is_busy_is_asked_again_but_nothing_is_triggered_twice(
    airflow: ScriptedAirflow, clock: Clock
) -> None:
    api = _pipeline(airflow, clock, {"now": LOADED}).api
    airflow.busy_for = 1
    assert api.runs(SINCE) == []
    airflow.busy_for = 1
    with pytest.raises(DemoError, match=r"503 .*busy"):
        api.trigger("marts", {})
    assert airflow.triggered == []


@pytest.mark.parametrize("ask", [AirflowApi.log_in, AirflowApi.dags])
def test_an_api_server_that_is_gone_is_named(ask: Callable[[AirflowApi], object]) -> None:
    with pytest.raises(DemoError, match="does not answer"):
        ask(AirflowApi("http://127.0.0.1:1", "admin", "password", patience=0.1))
