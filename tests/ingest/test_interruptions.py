"""Killed, cut off, or run twice at once: the next run completes it, and the rows are the same."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse import event_staging
from tallyhouse.client import Account, StripeClient
from tallyhouse.ingest import stage_events
from tallyhouse.windows import Window
from tests.ingest import staging_process
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import KEY, Scripted, ScriptedStripe, event
from tests.waiting import until

START = datetime.fromtimestamp(HOUR, UTC)
WINDOW = Window(START, START + timedelta(hours=1))
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _events(stripe: ScriptedStripe) -> None:
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 3000 - n // 3) for n in range(1500)]


@pytest.fixture
def other(stripe: ScriptedStripe) -> StripeClient:
    return StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None)


def one(conninfo: str, query: str) -> Any:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute(query).fetchone()
        assert row is not None
        return row[0]


def fingerprint(conninfo: str) -> tuple[Any, ...]:
    """The whole of raw.event, but for the batch that brought a row."""
    return one(
        conninfo,
        "select array_agg(row (account_id, event_id, created_at, listing_order, md5(payload::text))::text "
        "order by event_id) from raw.event",
    )


def test_a_task_killed_in_the_middle_of_a_window_leaves_nothing_and_the_next_run_completes_it(
    stripe: ScriptedStripe, other: StripeClient, account: Account, warehouse: str
) -> None:
    # Ten pages come at once, and chunks of them are written; then the server is silent until the kill.
    stripe.script = [Scripted() for _ in range(10)] + [Scripted(delay=20)]
    window = WINDOW.as_dict()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            staging_process.__name__,
            warehouse,
            stripe.base_url,
            window["start"],
            window["end"],
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"},
    )
    until(lambda: len(stripe.calls("/v1/events")) == 11)
    # Rows of an open transaction show in the table's size, and nowhere else.
    until(lambda: one(warehouse, "select pg_total_relation_size('raw.event_y2026m03') > 200000"))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    until(lambda: one(warehouse, "select count(*) = 0 from pg_locks where locktype = 'advisory'"))
    for table in ("raw.event", "ops.batch", "ops.watermark"):
        assert one(warehouse, f"select count(*) from {table}") == 0

    with psycopg.connect(warehouse) as conn:
        assert stage_events(conn, other, account, WINDOW, "next").new_count == 1500
        completed = fingerprint(warehouse)
        with conn.transaction():
            conn.execute("truncate raw.event, ops.batch, ops.watermark")
        stage_events(conn, other, account, WINDOW, "undisturbed")
    assert fingerprint(warehouse) == completed


def test_a_window_cut_off_from_postgresql_leaves_nothing_and_the_next_run_completes_it(
    stripe: ScriptedStripe,
    other: StripeClient,
    account: Account,
    warehouse: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 50)
    slow = Scripted(delay=60)
    stripe.script = [*(Scripted() for _ in range(10)), slow]

    def cut_off() -> None:
        try:
            until(lambda: len(stripe.calls("/v1/events")) >= 11)
            one(
                warehouse,
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()",
            )
        finally:
            slow.released.set()

    cutter = threading.Thread(target=cut_off)
    cutter.start()
    with psycopg.connect(warehouse) as conn, pytest.raises(psycopg.OperationalError):
        stage_events(conn, other, account, WINDOW, "cut off")
    cutter.join()
    assert one(warehouse, "select count(*) from raw.event") == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "tallyhouse-prefetch"]
    with psycopg.connect(warehouse) as conn:
        assert stage_events(conn, other, account, WINDOW, "next").new_count == 1500


def test_two_runs_at_once_store_each_event_once(
    stripe: ScriptedStripe, other: StripeClient, account: Account, warehouse: str
) -> None:
    reports = []

    def run(name: str) -> None:
        client = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None)
        with psycopg.connect(warehouse) as conn:
            reports.append(stage_events(conn, client, account, WINDOW, name))

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.new_count for report in reports) == [0, 0, 1500]
    assert sorted(report.duplicate_count for report in reports) == [0, 1500, 1500]
    assert one(warehouse, "select count(*) from raw.event") == 1500
    assert one(warehouse, "select count(*) from ops.batch") == 3
    assert one(warehouse, "select through from ops.watermark") == WINDOW.end


def test_a_run_waits_for_another_of_the_same_account_only(
    stripe: ScriptedStripe, other: StripeClient, account: Account, warehouse: str
) -> None:
    with psycopg.connect(warehouse) as holder, psycopg.connect(warehouse) as conn:
        with conn.transaction():
            conn.execute("set lock_timeout = '200ms'")
        stage_events(holder, other, account, WINDOW, "first")
        from tallyhouse.ledger import EVENTS, lock_stream

        with holder.transaction():
            lock_stream(holder, account, EVENTS)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                stage_events(conn, other, account, WINDOW, "same")
            another = Account("acct_other", False, account.clock)
            assert stage_events(conn, other, another, WINDOW, "other").new_count == 1500
