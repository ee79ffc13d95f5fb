"""What others see of a run: numbers in a StatsD server, lineage in a file of OpenLineage events, lines in task logs."""

import json
import logging
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import psycopg
import pytest

from simulator.instance import simulator_thread
from tallyhouse import measures
from tallyhouse.lineage import inputs_by_relation
from tallyhouse.objects import MODELS
from tests.conftest import SQL_ROOT, PostgresServer
from tests.dags.conftest import COMPANY, connect
from tests.dags.runs import Dags
from tests.waiting import PATIENCE

PREFIX = "airflow.tallyhouse."
END = b"end"


class StatsD:
    """What is sent to a UDP port; a thread reads it, since the system keeps only so much that nobody has read."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver
        self._packets: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for packet in iter(partial(self._receiver.recv, 65536), END):
            self._packets.put(packet)

    def close(self) -> None:
        """Ends the thread."""
        self._receiver.sendto(END, self._receiver.getsockname())
        self._reader.join(PATIENCE)

    def received(self) -> dict[str, str]:
        """Name -> value and type, as 12|c, of what the pipeline itself sent since the last call."""
        self._receiver.sendto(b"", self._receiver.getsockname())  # comes after all that was sent before
        found: dict[str, str] = {}
        while packet := self._packets.get(timeout=PATIENCE).decode():
            for line in packet.splitlines():
                name, _, value = line.partition(":")
                if name.startswith(PREFIX):
                    assert name.removeprefix(PREFIX) not in found, f"{name} was sent twice"
                    found[name.removeprefix(PREFIX)] = value
        return found


@pytest.fixture(scope="module")
def statsd(airflow_environment: str) -> Iterator[StatsD]:
    """A server of StatsD, to which Airflow sends its metrics as it does in a task's own process."""
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
            patch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
            patch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(receiver.getsockname()[1]))
            stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
            with closing(StatsD(receiver)) as server:
                yield server
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


@pytest.fixture(scope="module")
def lineage_file(airflow_environment: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file to which OpenLineage's provider writes what it is told of tasks."""
    from airflow.providers.openlineage.plugins.listener import OpenLineageListener
    from airflow.sdk.listener import get_listener_manager

    path = tmp_path_factory.mktemp("lineage") / "events.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        transport = {"type": "file", "log_file_path": str(path), "append": True}
        patch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
        patch.setenv("AIRFLOW__OPENLINEAGE__NAMESPACE", "tests")
        # Queries of all tasks gather in one process here, and each task of Python's would tell of all of them again.
        python = "airflow.providers.standard.decorators.python._PythonDecoratedOperator"
        policy = [{"scope": {"operator": python}, "controls": {"emit": False}}]
        patch.setenv("AIRFLOW__OPENLINEAGE__EMISSION_POLICY", json.dumps(policy))
        # not in a fork of the process that runs the tests
        patch.setenv("AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD", "True")
        listener, manager = OpenLineageListener(), get_listener_manager()
        manager.add_listener(listener)
        yield path
        manager.pm.unregister(listener)


@dataclass(frozen=True)
class Observed:
    """A first load, and what was seen of it: numbers of each DAG, finished tasks' lineage, the text of all logs."""

    dags: Dags
    told: Mapping[str, Mapping[str, str]]
    lineage: Mapping[str, Any]
    text: str


class Lines(logging.Handler):
    """Keeps the text of all records."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def observed(
    airflow_environment: str,
    dag_files_by_id: dict[str, str],
    postgres: PostgresServer,
    statsd: StatsD,
    lineage_file: Path,
) -> Iterator[Observed]:
    """stripe_events and warehouse, run once, and one view of those that marts refreshes."""
    from tallyhouse.tasks.models import MartOperator

    conninfo = postgres.create_warehouse()
    lines, library = Lines(), logging.getLogger("tallyhouse")
    level = library.level
    library.addHandler(lines)
    library.setLevel(logging.INFO)
    with simulator_thread(**COMPANY) as url, pytest.MonkeyPatch.context() as patch:
        connect(patch, conninfo, url)
        dags = Dags(dag_files_by_id, airflow_environment, conninfo)
        told = {}
        for dag_id in ("stripe_events", "warehouse"):
            assert dags.run(dag_id).state == "success"
            told[dag_id] = statsd.received()
        MartOperator(mart="mrr_daily").execute({})
        told["marts"] = statsd.received()
        library.removeHandler(lines)
        library.setLevel(level)
        events = [json.loads(line) for line in lineage_file.read_text().splitlines()]
        finished = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
        yield Observed(dags, told, finished, "\n".join(lines.lines))
    postgres.drop_database(conninfo)


def test_what_was_staged_and_asked_of_stripe_is_told(observed: Observed) -> None:
    told = observed.told["stripe_events"]
    for source, rows in observed.dags.rows(
        "select split_part(source, ':', 1), sum(new_count) from ops.batch group by 1"
    ):
        assert told[f"staged.{source}"] == f"{rows}|c"
    ((calls,),) = observed.dags.rows("select sum(call_count) from ops.batch")
    assert told["api_calls"] == f"{calls}|c"


def test_how_far_the_events_are_behind_is_told_by_account(observed: Observed) -> None:
    ((account,),) = observed.dags.rows("select account_id from ops.watermark where stream = 'events'")
    seconds, kind = observed.told["stripe_events"][f"lag_seconds.{account}.test"].split("|")
    assert kind == "g"
    assert float(seconds) > 0


def test_how_far_the_events_reach_is_told_so_that_silence_can_be_noticed(observed: Observed) -> None:
    ((account, through),) = observed.dags.rows(
        "select account_id, extract(epoch from through)::float8 from ops.watermark where stream = 'events'"
    )
    seconds, kind = observed.told["stripe_events"][f"data_through_seconds.{account}.test"].split("|")
    assert kind == "g"
    assert float(seconds) == through


def test_rows_are_told_by_model_and_by_mart(observed: Observed) -> None:
    for metric, kind, dag_id, relation in (
        ("model_rows.charge_fact", "c", "warehouse", "dwh.charge_fact"),
        ("mart_rows.mrr_daily", "g", "marts", "mart.mrr_daily"),
    ):
        ((rows,),) = observed.dags.rows(f"select count(*) from {relation}")
        assert rows > 0
        assert observed.told[dag_id][metric] == f"{rows}|{kind}"


def test_a_batch_is_told_of_once(observed: Observed) -> None:
    with psycopg.connect(observed.dags.warehouse) as connection:
        connection.execute("update ops.batch set measured_at = null, throttled_count = 3 where source = 'events'")
        connection.commit()
        first, second = ({m.name: m.value for m in measures.claim_staged(connection)} for _ in range(2))
    ((batches, rows),) = observed.dags.rows("select count(*), sum(new_count) from ops.batch where source = 'events'")
    assert (first["staged.events"], first["api_throttled"]) == (rows, 3 * batches)
    assert second == {"api_calls": 0, "api_throttled": 0}


def test_task_logs_have_counts_windows_rates_and_requests(observed: Observed) -> None:
    ((batches, calls),) = observed.dags.rows("select count(*), sum(call_count) from ops.batch")
    for said in (
        r"\d+ windows to read: \[20",
        r"events of acct_\w+ \(test\) created \[.*\) UTC: batch \d+, [\d,]+ rows: .* in [\d,]+ calls",
        rf"this run: {batches:,} batches, .* in {calls:,} API calls \(0 throttled\), .* calls/s",
        r"charge_fact: \d+ batches, [\d,]+ objects, [\d,]+ rows in [\d.]+ s, [\d,]+ rows/s",
        r"mrr_daily: [\d,]+ rows, refreshed in [\d.]+ s",
        r"PASSED +batch_applied_by_every_model: .* \(0 found, 0 allowed\)",
    ):
        assert re.search(said, observed.text), said


def test_lineage_names_what_each_model_reads_and_writes(observed: Observed) -> None:
    info = psycopg.conninfo.conninfo_to_dict(observed.dags.warehouse)

    def names(event: Any, side: str) -> set[str]:
        assert {dataset["namespace"].partition("://")[0] for dataset in event[side]} <= {"postgres"}
        return {dataset["name"] for dataset in event[side]}

    models = {model.name: model for model in MODELS}
    events = {name: event for name, event in observed.lineage.items() if name.startswith("warehouse.")}
    made = {name.rpartition(".")[2]: event for name, event in events.items() if name.rpartition(".")[2] in models}
    assert made.keys() == models.keys()
    for name, event in made.items():
        assert names(event, "outputs") == {f"{info['dbname']}.{models[name].relation}"}
        upstream = {f"{info['dbname']}.{models[other].relation}" for other in models[name].upstream}
        assert upstream <= names(event, "inputs"), name
    assert names(made["charge_fact"], "inputs") == {f"{info['dbname']}.raw.{table}" for table in ("event", "object")}


def test_lineage_of_a_mart_is_what_the_database_says_that_it_reads(observed: Observed) -> None:
    of = inputs_by_relation(SQL_ROOT)
    assert of["mart.cohort_revenue_retention_monthly"] == [
        "mart.cohort_retention_monthly",
        "mart.mrr_movement_monthly",
    ]
    read = observed.dags.rows(
        """
        select distinct format('%s.%s', reader.relnamespace::regnamespace, reader.relname), format(
            '%s.%s', read.relnamespace::regnamespace, read.relname
        )
        from pg_depend as depend
        inner join pg_rewrite as rule on depend.objid = rule.oid and depend.classid = 'pg_rewrite'::regclass
        inner join pg_class as reader on rule.ev_class = reader.oid and reader.relkind = 'm'
        inner join pg_class as read on depend.refobjid = read.oid and read.oid <> reader.oid
        where read.relkind in ('r', 'm') and read.relnamespace in ('dwh'::regnamespace, 'mart'::regnamespace)
        """
    )
    assert len(read) > 50
    assert [(mart, name) for mart, name in read if name not in of[mart]] == []


def test_rejects_are_told_with_the_run_that_reports_them(dags: Dags, statsd: StatsD) -> None:
    dags.run("acquisition")
    dags.execute(
        "insert into raw.rejected (account_id, livemode, source, row_key, reason, payload, batch_id) "
        "values ('acct_1', false, 'events', 'evt_1', 'odd', '{}', 1)"
    )
    statsd.received()
    assert dags.run("acquisition").not_successful["report_rejects"] == ["failed"]
    assert statsd.received()["rejects"] == "1|c"
