"""The pipeline's numbers in Airflow's own metrics, as a StatsD server on this machine receives them."""

import socket
from collections.abc import Iterator

import pytest

from tests.dags.runs import Dags

PREFIX = "airflow.tallyhouse."


class StatsD:
    """What was sent to a UDP port."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver

    def received(self) -> dict[str, str]:
        """Name -> value and type, as 12|c, of what the pipeline itself sent since the last call."""
        found: dict[str, str] = {}
        while True:
            try:
                packet = self._receiver.recv(65536).decode()
            except BlockingIOError:
                return found
            for line in packet.splitlines():
                name, _, value = line.partition(":")
                if name.startswith(PREFIX):
                    assert name.removeprefix(PREFIX) not in found, f"{name} was sent twice"
                    found[name.removeprefix(PREFIX)] = value


@pytest.fixture
def statsd(airflow_environment: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsD]:
    """A server of StatsD, to which Airflow sends its metrics as in a task's own process."""
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        # a whole run's packets wait here
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(receiver.getsockname()[1]))
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield StatsD(receiver)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "False")
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def test_what_was_staged_asked_and_loaded_is_told_once(
    dags: Dags, statsd: StatsD, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert dags.run("stripe_events").state == "success"
    told = statsd.received()
    ((events, calls, throttled),) = dags.rows(
        "select sum(new_count) filter (where source = 'events'), sum(call_count), sum(throttled_count) from ops.batch"
    )
    assert told["staged.events"] == f"{events}|c"
    assert told["api_calls"] == f"{calls}|c"
    assert throttled == 0
    assert "api_throttled" not in told
    ((account,),) = dags.rows("select account_id from ops.watermark where stream = 'events'")
    seconds, kind = told[f"lag_seconds.{account}.test"].split("|")
    assert kind == "g"
    assert float(seconds) > 0
    assert f"this run: {len(dags.rows('select from ops.batch'))} batches" in caplog.text
    assert f"in {calls:,} API calls (0 throttled)" in caplog.text

    assert dags.run("warehouse").state == "success"
    told = statsd.received()
    ((charges,),) = dags.rows("select count(*) from dwh.charge_fact")
    assert told["model_rows.charge_fact"] == f"{charges}|c"
    # each batch once: a run that has nothing new tells of no rows
    assert dags.run("warehouse").state == "success"
    assert [name for name in statsd.received() if name.startswith(("staged", "model_rows"))] == []


def test_requests_that_stripe_throttled_and_rows_that_were_rejected_are_told(dags: Dags, statsd: StatsD) -> None:
    dags.run("stripe_events")
    statsd.received()
    dags.execute("update ops.batch set measured_at = null, throttled_count = 3 where source = 'events'")
    dags.execute(
        "insert into raw.rejected (account_id, livemode, source, row_key, reason, payload, batch_id) "
        "values ('acct_1', false, 'events', 'evt_1', 'odd', '{}', 1)"
    )
    run = dags.run("stripe_events")
    assert run.not_successful["report_rejects"] == ["failed"]
    told = statsd.received()
    assert told["rejects"] == "1|c"
    ((throttled,),) = dags.rows("select sum(throttled_count) from ops.batch")
    assert told["api_throttled"] == f"{throttled}|c"


def test_how_many_rows_a_mart_has_is_told_and_logged(
    loaded_dags: Dags, statsd: StatsD, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        loaded_dags.run("marts")
    ((rows,),) = loaded_dags.rows("select count(*) from mart.mrr_daily")
    assert statsd.received()["mart_rows.mrr_daily"] == f"{rows}|g"
    assert f"mrr_daily: {rows:,} rows, refreshed in" in caplog.text
