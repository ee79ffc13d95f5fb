"""Who is told when a task has failed or a run is late, by real messages to servers on this machine."""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from aiosmtpd.controller import Controller

from tallyhouse.errors import without_rows
from tests.dags.answers import Answerer
from tests.dags.runs import Dags

EMAILS, SLACK = "AIRFLOW_VAR_TALLYHOUSE_ALERT_EMAILS", "AIRFLOW_VAR_TALLYHOUSE_ALERT_SLACK"


class Mailbox:
    """What aiosmtpd was given, as messages."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class AnyPort(Controller):
    """A server of mail on whatever port is free."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Two people who are told by e-mail."""
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    connection = {
        "conn_type": "smtp", "host": controller.hostname, "port": controller.port,
        "extra": {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    monkeypatch.setenv(EMAILS, "ops@example.com, finance@example.com")
    yield box
    controller.stop()


@dataclass
class Channel:
    """What was posted to a Slack channel; `status` is what its webhook answers."""

    texts: list[str]
    status: int = 200


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    """A Slack channel in which people are told."""
    found = Channel([])

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.texts.append(f"{self.path} {json.loads(body)['text']}")
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    connection = {"conn_type": "slackwebhook", "password": f"http://127.0.0.1:{server.server_port}/services/T/B/x"}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_FINANCE", json.dumps(connection))
    monkeypatch.setenv(SLACK, "slack_finance")
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of files that is not there; its name is what templates and HTML begin with."""
    monkeypatch.setenv("AIRFLOW_VAR_TALLYHOUSE_ACQUISITION_PATH", f"{tmp_path}/{{{{ gone }}}} <b>")


@pytest.mark.usefixtures("broken")
def test_a_task_that_fails_is_told_of_by_email_and_in_slack(dags: Dags, mailbox: Mailbox, channel: Channel) -> None:
    run = dags.run("acquisition")
    assert run.not_successful["load_files"] == ["failed"]
    (mail,), (text,) = mailbox.messages, channel.texts
    assert mail["Subject"] == "[Tallyhouse] acquisition: load_files failed"
    assert {address.addr_spec for address in mail["To"].addresses} == {"ops@example.com", "finance@example.com"}
    assert mail["From"] == "airflow@example.com"
    (part,) = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    for message in (part, text):
        # as it is, neither a template nor markup
        assert "{{ gone }} &lt;b&gt;" in message
        assert "tallyhouse_acquisition_path" in message
        assert run.run_id in message
        assert "/dags/acquisition/runs/" in message
        assert "When it is red" in message.replace("&quot;", '"')
    assert text.startswith("/services/T/B/x *acquisition: load_files failed*")


def test_rows_that_postgresql_quotes_are_in_no_message(
    dags: Dags, mailbox: Mailbox, channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TALLYHOUSE_ACQUISITION_PATH", str(tmp_path))
    (tmp_path / "channels.csv").write_text("channel_name\nthe_secret_channel\n")
    dags.execute("alter table ops.batch add constraint odd check (false) not valid")
    run = dags.run("acquisition")
    assert "Failing row contains" in str(run.errors["load_files"])
    (mail,), (text,) = mailbox.messages, channel.texts
    (part,) = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert 'CheckViolation: new row for relation "batch" violates check constraint "odd" (the log has the rest)' in text
    assert [message for message in (text, part) if "Failing row" in message or "CONTEXT" in message] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select 'ana@example.com'::integer", 'invalid input syntax for type integer: "..."'),
        ('select * from "no such"', 'relation "no such" does not exist'),
    ],
)
def test_a_value_that_postgresql_quotes_is_left_out_and_a_name_is_not(warehouse: str, query: str, said: str) -> None:
    with psycopg.connect(warehouse) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(query.encode())
    assert without_rows(caught.value) == said


def test_of_a_connection_that_cannot_be_opened_the_first_line_is_told() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("host=127.0.0.1 port=1 dbname=warehouse")
    said = without_rows(caught.value)
    assert "port 1" in said
    assert "\n" not in said


def test_a_task_that_was_killed_is_told_of_by_the_dag_processor(dags: Dags, mailbox: Mailbox, channel: Channel) -> None:
    run = dags.run("acquisition")
    lose(dags, run.run_id, "load_files")
    (mail,), (text,) = mailbox.messages, channel.texts
    assert mail["Subject"] == "[Tallyhouse] acquisition: load_files failed"
    assert "It was killed, or its worker was lost" in text
    assert f"/dags/acquisition/runs/{quote(run.run_id)}/tasks/load_files" in text


def lose(dags: Dags, run_id: str, task_id: str) -> None:
    """Has the dag-processor do what the scheduler asks of it when a task has not been heard of for too long."""
    from airflow.callbacks.callback_requests import TaskCallbackRequest
    from airflow.dag_processing.dagbag import DagBag
    from airflow.dag_processing.processor import _execute_task_callbacks
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    with create_session() as session:
        instance = session.scalars(select(TaskInstance).filter_by(run_id=run_id, task_id=task_id)).one()
        request = TaskCallbackRequest(
            filepath="acquisition.py",
            bundle_name="dags-folder",
            bundle_version=None,
            ti=instance,
            msg="no heartbeat",
            task_callback_type=TaskInstanceState.FAILED,
        )
    _execute_task_callbacks(DagBag(dags.files["acquisition"]), request, logging.getLogger(__name__))  # type: ignore[arg-type]


@pytest.mark.usefixtures("broken")
def test_without_configuration_nobody_is_told(
    dags: Dags, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(EMAILS, raising=False)
    monkeypatch.delenv(SLACK, raising=False)
    with caplog.at_level("INFO"):
        assert dags.run("acquisition").state == "failed"
    assert "told by way" not in caplog.text


@pytest.mark.usefixtures("broken")
def test_one_way_that_fails_does_not_hold_back_the_other(
    dags: Dags, mailbox: Mailbox, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    channel.status = 403
    run = dags.run("acquisition")
    assert len(mailbox.messages) == 1
    assert "Nobody was told by way of the Variable tallyhouse_alert_slack" in caplog.text
    # and what failed is still what failed
    assert run.not_successful["load_files"] == ["failed"]
    assert "tallyhouse_acquisition_path" in str(run.errors["load_files"])


@pytest.mark.usefixtures("broken", "channel")
def test_a_provider_that_is_not_installed_is_named_in_the_log(
    dags: Dags, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.slack.notifications.slack_webhook", None)
    dags.run("acquisition")
    assert "tallyhouse_alert_slack is set, but Airflow lacks apache-airflow-providers-slack" in caplog.text


@pytest.mark.usefixtures("dags")
def test_a_run_that_is_late_is_told_of(mailbox: Mailbox, channel: Channel) -> None:
    dag_run = miss_deadline("acquisition")
    (mail,), (text,) = mailbox.messages, channel.texts
    assert mail["Subject"] == "[Tallyhouse] acquisition is late"
    assert "*acquisition is late*" in text
    assert dag_run in text
    assert "is queued" in text


@pytest.mark.usefixtures("dags")
def test_tasks_of_a_run_that_has_a_deadline_can_be_cleared() -> None:
    with queued_run("acquisition", "cleared") as (session, dag, run):
        for instance in run.get_task_instances(session=session):
            instance.state = "failed"
        session.flush()
        assert dag.clear(run_id=run.run_id, only_failed=True, session=session) == len(dag.task_ids)


@contextmanager
def queued_run(dag_id: str, run_id: str) -> Iterator[tuple[Any, Any, Any]]:
    """(session, DAG as the scheduler knows it, a queued run of it)."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk.timezone import utcnow
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        assert dag is not None
        run = dag.create_dagrun(
            run_id=run_id, logical_date=None, data_interval=None, run_after=utcnow(), run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST, state=DagRunState.QUEUED, session=session,
        )  # fmt: skip
        session.flush()
        yield session, dag, run


def miss_deadline(dag_id: str) -> str:
    """A queued run of which the scheduler finds that it is late: what it asks of the triggerer is done here."""
    from airflow.models.deadline import Deadline
    from airflow.triggers.callback import CallbackTrigger
    from sqlalchemy import select

    with queued_run(dag_id, "late") as (session, _, run):
        (deadline,) = session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id))
        assert (deadline.deadline_time - run.queued_at).total_seconds() == 2 * 3600
        deadline.handle_miss(session)
        asked = deadline.callback.trigger.kwargs

    async def as_the_triggerer_does() -> list[Any]:
        return [event async for event in CallbackTrigger(**asked).run()]

    events = asyncio.run(as_the_triggerer_does())
    assert [event.payload["state"].value for event in events] == ["running", "success"]
    return "late"


def test_who_is_to_answer_is_told_and_is_asked_also_when_nobody_could_be_told(
    loaded_dags: Dags, channel: Channel, answerer: Answerer
) -> None:
    channel.status = 500
    ((customer_id,),) = loaded_dags.rows("select min(customer_id) from dwh.customer_dim")
    with answerer.choosing("erase_customer", "Reject"):
        run = loaded_dags.run("erase_customer", customer_id=customer_id)
    assert run.state == "success"
    message = channel.texts[0]
    assert f"*erase_customer waits for an answer: Erase {customer_id} for good?*" in message
    assert "Nothing is done until somebody chooses: Approve or Reject." in message
    assert f"/dags/erase_customer/runs/{run.run_id}/tasks/approve/required_actions" in message
