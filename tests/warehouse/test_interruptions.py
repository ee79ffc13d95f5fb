"""Killed or cut off in the middle of a window or of a load: the next run completes it, and the rows are the same.

All on a server of this module's own, since it is killed too. Events are a simulated company's last 30 days; for
volume they are copied under other ids.
"""

import multiprocessing
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from simulator.app import DEFAULT_KEY
from simulator.instance import simulator_thread
from tallyhouse import event_staging, ingest
from tallyhouse.client import StripeClient
from tallyhouse.objects import MODELS, Model
from tallyhouse.warehouse import apply_models
from tests.conftest import PostgresServer, folder_of_servers
from tests.waiting import until
from tests.warehouse.loading_process import APPLICATION_NAME, load
from tests.warehouse.raw_rows import SQL_ROOT

NOW = "2026-06-30T12:00:00Z"
COPIES = 16
PROCESSES = multiprocessing.get_context("forkserver")
"""What each is forked from has imported what it needs: there are dozens."""
PROCESSES.set_forkserver_preload([load.__module__])
STRIPE_ID = r'"([a-z]+_[A-Za-z0-9]*[A-Z0-9][A-Za-z0-9]*)"'
SIGNALS = pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL], ids=["immediate stop", "kill -9"])
"""What the postmaster is sent: pg_ctl's "immediate" stop, or a kill that leaves it no chance to say goodbye."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    # not in pytest's folder: runs that begin later clear it up
    with tempfile.TemporaryDirectory(
        prefix="tallyhouse-pg-", dir=folder_of_servers(), ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o755)  # noqa: S103  # as root, the server runs as a user of its own
        made = PostgresServer(18, Path(folder) / "data")
        yield made
        made.handle.cleanup()


@pytest.fixture(scope="module")
def stripe_url() -> Iterator[str]:
    with simulator_thread(now=NOW, customers=200, months=8) as url:
        yield url


def stage(conninfo: str, stripe_url: str, requests_per_second: float | None = None) -> None:
    """Stages all events that there are, in one window."""
    client = StripeClient(DEFAULT_KEY, api_base=stripe_url, requests_per_second=requests_per_second)
    with closing(client), psycopg.connect(conninfo) as connection:
        account = client.account()
        windows = ingest.plan_events(
            connection,
            client,
            account,
            lag=timedelta(minutes=1),
            overlap=timedelta(minutes=5),
            max_window=timedelta(days=31),
        )
        for window in windows:
            ingest.stage_events(connection, client, account, window, "test")


def apply(conninfo: str, *models: Model) -> None:
    with psycopg.connect(conninfo) as connection:
        apply_models(connection, SQL_ROOT, models or MODELS)


@pytest.fixture(scope="module")
def staged(server: PostgresServer, stripe_url: str) -> str:
    """A warehouse with one pending batch."""
    conninfo = server.create_warehouse()
    stage(conninfo, stripe_url)
    return conninfo


@pytest.fixture(scope="module")
def large(server: PostgresServer, staged: str) -> str:
    """A warehouse with so much pending that every model takes long enough to be hit."""
    conninfo = clone(server, staged)
    with psycopg.connect(conninfo) as connection:
        for copy in range(1, COPIES):
            connection.execute(
                """
                with batch as (
                    insert into ops.batch (account_id, livemode, source, run_id, started_at)
                    select account_id, livemode, source, run_id, started_at from ops.batch where batch_id = 1
                    returning batch_id
                )
                insert into raw.event
                select
                    e.account_id, e.livemode, e.event_id || c.suffix, e.type, e.created_at, e.listing_order,
                    e.api_version, e.object_type, e.object_id || c.suffix,
                    regexp_replace(e.payload::text, %s, %s, 'g')::jsonb,
                    batch.batch_id
                from raw.event as e, batch, (select %s::text as suffix) as c
                where e.batch_id = 1
                """,
                [STRIPE_ID, rf'"\1x{copy}"', f"x{copy}"],
            )
        connection.execute("analyze raw.event")
    return conninfo


def clone(server: PostgresServer, conninfo: str) -> str:
    """A copy of a database that nobody is connected to."""
    return server.create_database(str(psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]))


def fingerprint(conninfo: str, schema: str = "dwh", only: str | None = None) -> dict[str, tuple[Any, ...]]:
    """Of each table of a schema, or only that one, how many rows it has and a hash of them all."""
    with psycopg.connect(conninfo) as connection:
        names = connection.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' "
            "and relname = coalesce(%s, relname) order by 1",
            [schema, only],
        ).fetchall()
        query = "select count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) from {} as t"
        return {
            name: connection.execute(sql.SQL(query).format(sql.Identifier(schema, name))).fetchall()[0]
            for (name,) in names
        }


@pytest.fixture(scope="module")
def undisturbed(server: PostgresServer, staged: str) -> dict[str, tuple[Any, ...]]:
    conninfo = clone(server, staged)
    apply(conninfo)
    return fingerprint(conninfo)


@pytest.fixture(scope="module")
def undisturbed_large(server: PostgresServer, large: str) -> dict[str, tuple[Any, ...]]:
    conninfo = clone(server, large)
    apply(conninfo)
    found = fingerprint(conninfo)
    assert found["charge_fact"][0] > 1000
    return found


def one(conninfo: str, query: str, *values: Any) -> Any:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]


def is_applied(conninfo: str, model: Model) -> bool:
    return bool(one(conninfo, "select exists (select from ops.batch_applied where model = %s)", model.name))


@contextmanager
def loading(conninfo: str, *models: Model) -> Iterator[BaseProcess]:
    """A process that applies models (default: all)."""
    process = PROCESSES.Process(target=load, args=(conninfo, [model.name for model in models or MODELS]))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def is_running(conninfo: str, model: Model, application: str = APPLICATION_NAME) -> bool:
    """Whether a session of that application is at work inside that model."""
    query = """
        select count(*) from pg_stat_activity
        where datname = current_database() and application_name = %s and state = 'active' and query ~ %s
    """
    return bool(one(conninfo, query, application, rf"begin_model\(\s*'{model.name}'"))


def is_held_up(conninfo: str) -> bool:
    """Whether the process waits for the lock of a table."""
    query = "select count(*) from pg_stat_activity where application_name = %s and wait_event = 'relation'"
    return bool(one(conninfo, query, APPLICATION_NAME))


def kill(process: BaseProcess) -> None:
    """Kills a process that is still running."""
    assert process.is_alive(), "it ended before it could be killed"
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def wait_for_its_session(conninfo: str) -> None:
    """PostgreSQL notices only at the next message that a client is dead."""
    query = "select count(*) from pg_stat_activity where application_name = %s"
    until(lambda: not one(conninfo, query, APPLICATION_NAME))


def test_killed_after_the_last_row_of_each_model_but_before_its_commit(
    server: PostgresServer, staged: str, undisturbed: dict[str, tuple[Any, ...]]
) -> None:
    conninfo = clone(server, staged)
    for model in MODELS:
        before = fingerprint(conninfo, model.schema, model.name).get(model.name)
        with psycopg.connect(conninfo) as holder, loading(conninfo, model) as process:
            # The last statement of a model writes the ledger: whoever holds that stops the model right there.
            holder.execute("lock table ops.batch_applied in share mode")
            until(lambda: is_held_up(conninfo))
            assert is_running(conninfo, model)
            kill(process)
            holder.rollback()
            wait_for_its_session(conninfo)
        assert not is_applied(conninfo, model), model.name
        # nothing: but for the calendar, which is there from the beginning, all tables are empty before
        assert fingerprint(conninfo, model.schema, model.name).get(model.name) == before, model.name
        apply(conninfo, model)
    assert fingerprint(conninfo) == undisturbed


@pytest.mark.parametrize("name", ["subscription_dim", "invoice_fact", "invoice_line_fact"])
def test_killed_in_the_middle_of_a_model(
    name: str, server: PostgresServer, large: str, undisturbed_large: dict[str, tuple[Any, ...]]
) -> None:
    model = next(model for model in MODELS if model.name == name)
    for _ in range(5):
        conninfo = clone(server, large)
        with loading(conninfo) as process:
            until(lambda conninfo=conninfo: is_running(conninfo, model))
            kill(process)
            wait_for_its_session(conninfo)
        if not is_applied(conninfo, model):
            break
    else:
        pytest.fail("it committed before it was killed, five times")
    assert fingerprint(conninfo)[model.name][0] == 0
    apply(conninfo)
    assert fingerprint(conninfo) == undisturbed_large


def crash_and_restart(server: PostgresServer, how: signal.Signals) -> None:
    """Ends the server with a signal, and starts it again over what it left."""
    info = server.handle.get_postmaster_info()
    assert info.process is not None
    info.process.send_signal(how)
    info.process.wait(30)
    deadline = time.monotonic() + 30
    while True:
        try:
            server.handle.ensure_postgres_running()
        except subprocess.SubprocessError:
            # after kill -9, until its orphaned sessions have noticed
            assert time.monotonic() < deadline, (Path(server.handle.pgdata) / "log").read_text()[-2000:]
            time.sleep(0.2)
        else:
            return


class Doomed(threading.Thread):
    """Does something that is expected to lose its connection."""

    def __init__(self, action: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.action = action
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.action()
        except psycopg.OperationalError as error:
            self.error = error


@SIGNALS
def test_postgresql_restarted_in_the_middle_of_a_load(
    how: signal.Signals, server: PostgresServer, large: str, undisturbed_large: dict[str, tuple[Any, ...]]
) -> None:
    conninfo = clone(server, large)
    model = next(model for model in MODELS if model.name == "invoice_fact")
    doomed = Doomed(lambda: apply(f"{conninfo} application_name=doomed"))
    doomed.start()
    until(lambda: is_running(conninfo, model, "doomed"))
    crash_and_restart(server, how)
    doomed.join(30)
    assert isinstance(doomed.error, psycopg.OperationalError)
    assert not is_applied(conninfo, MODELS[-1])
    apply(conninfo)
    assert fingerprint(conninfo) == undisturbed_large


@SIGNALS
def test_postgresql_restarted_in_the_middle_of_a_window(
    how: signal.Signals,
    server: PostgresServer,
    stripe_url: str,
    staged: str,
    undisturbed: dict[str, tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 100)
    conninfo = server.create_warehouse()
    doomed = Doomed(lambda: stage(conninfo, stripe_url, requests_per_second=10))
    doomed.start()
    # Rows of an open transaction show in the table's size, and nowhere else.
    size = "select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_partition_tree('raw.event') where isleaf"
    until(lambda: one(conninfo, size) > 500_000)
    crash_and_restart(server, how)
    doomed.join(30)
    assert isinstance(doomed.error, psycopg.OperationalError)
    assert one(conninfo, "select count(*) from raw.event") == 0
    assert one(conninfo, "select count(*) from ops.batch") == 0

    stage(conninfo, stripe_url)
    rows = "select md5(string_agg(md5(concat_ws('|', event_id, listing_order, payload)), '' order by event_id)) "
    assert one(conninfo, f"{rows} from raw.event") == one(staged, f"{rows} from raw.event")
    assert one(conninfo, "select through from ops.watermark") == one(staged, "select through from ops.watermark")
    apply(conninfo)
    assert fingerprint(conninfo) == undisturbed
