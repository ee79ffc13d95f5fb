"""A backfill from its plan to its last slice: what is planned, refused, resumed, and told of its progress."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse import backfill
from tallyhouse.backfill import BackfillPlan, plan_backfill, stage_share
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import StripeUnavailableError
from tallyhouse.objects import LISTED
from tallyhouse.plans import Progress, read_progress, refused_kinds
from tallyhouse.windows import Window
from tests.ingest import listing_process
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import KEY, Row, Scripted, ScriptedStripe
from tests.waiting import until

ALL = Window(datetime(2011, 1, 1, tzinfo=UTC), datetime.fromtimestamp(HOUR + 1, UTC))
ROOT = Path(__file__).parents[2]
FORBIDDEN = json.dumps({"error": {"message": "The provided key does not have the required permissions"}}).encode()


def row(kind: str, object_id: str, created: int = HOUR, **extra: Any) -> Row:
    value = {"id": object_id, "object": kind, "created": created, "livemode": False, **extra}
    return Row(object_id, created, json.dumps(value).encode())


@pytest.fixture(autouse=True)
def _objects(stripe: ScriptedStripe) -> None:
    """1,000 customers, three an hour; 40 charges; nothing else."""
    stripe.now = HOUR
    for item in LISTED.values():
        stripe.rows[str(item.list_path)] = []
    stripe.rows[backfill.TEST_CLOCKS] = []
    stripe.rows["/v1/customers"] = [row("customer", f"cus_{n}", HOUR - n * 1200) for n in range(1000)]
    stripe.rows["/v1/charges"] = [row("charge", f"ch_{n}", HOUR - n * 1200) for n in range(40)]


def rows(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as conn:
        return conn.execute(query).fetchall()


def plan(
    conn: psycopg.Connection, client: StripeClient, account: Account, *objects: str, run_id: str = "run"
) -> BackfillPlan:
    return plan_backfill(conn, client, account, run_id, objects or LISTED, ALL, rows_per_slice=200, is_everything=True)


def stage(conninfo: str, client: StripeClient, account: Account, run_id: str = "run", **how: Any) -> Progress:
    return stage_share(lambda: psycopg.connect(conninfo), client, account, run_id, 0, **how)


def test_every_kind_is_listed_and_the_plan_is_done(
    client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    made = plan(conn, client, account)
    assert len(made.shares) == 1
    assert {piece.object_name for piece in made.shares[0]} == set(LISTED)
    assert made.title(0).startswith("customer, product, price and ")
    told: list[Progress] = []
    done = stage(warehouse, client, account, tell=told.append)
    assert len(told) == done.planned == done.done == len(made.shares[0])
    assert done.rows == 1040
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert rows(warehouse, "select object_type, count(*) from raw.object group by 1 order by 1") == [
        ("charge", 40),
        ("customer", 1000),
    ]
    planned = "select bool_and(is_everything), count(*) - count(batch_id) from ops.planned_batch where source = 'list'"
    assert rows(warehouse, planned) == [(True, 0)]


def test_a_part_of_the_kinds_is_not_everything(
    client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account, "customer", "charge")
    assert rows(warehouse, "select distinct is_everything from ops.planned_batch") == [(False,)]


def test_progress_says_how_long_the_rest_will_take(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account, "customer")
    told: list[Progress] = []
    stripe.delay = 0.05
    stage(warehouse, client, account, streams=1, tell=told.append)
    assert len(told) >= 4
    for progress in told[:-1]:
        assert progress.seconds_left is not None
        assert progress.calls_per_second is not None
        assert 2 < progress.calls_per_second < 20
        assert 0.1 < progress.seconds_left < 20
        assert "time left 0:00:" in progress.describe("slices")
    assert told[-1].describe("slices").startswith(f"{len(told)} of {len(told)} slices")
    assert "time left" not in told[-1].describe("slices")


def test_several_slices_are_listed_at_once(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    made = plan(conn, client, account)
    stripe.delay = 0.1
    done = stage(warehouse, client, account, streams=8)
    assert stripe.most_at_once >= 4
    assert done.done == len(made.shares[0])


def test_a_kind_that_the_key_may_not_list_is_told_and_the_others_are_listed(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    stripe.scripts["/v1/charges"] = [Scripted(403, FORBIDDEN)] * 5
    made = plan(conn, client, account)
    assert [piece.object_name for piece, _ in made.refused] == ["charge"]
    stage(warehouse, client, account)
    ((account_id, kind, reason),) = refused_kinds(conn, "run")
    assert (account_id, kind) == (account.account_id, "charge")
    assert "403" in reason
    assert rows(warehouse, "select distinct object_type from raw.object") == [("customer",)]


def test_a_permission_that_is_taken_away_meanwhile_holds_no_other_kind_back(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account)
    stripe.scripts["/v1/customers"] = [Scripted(403, FORBIDDEN)] * 50
    stage(warehouse, client, account, streams=2)
    assert [kind for _, kind, _ in refused_kinds(conn, "run")] == ["customer"]
    assert rows(warehouse, "select distinct object_type from raw.object") == [("charge",)]


def test_an_answer_that_does_not_come_ends_the_try_and_the_next_goes_on_with_what_is_left(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account, "customer")
    stripe.scripts["/v1/customers"] = [Scripted() for _ in range(4)] + [Scripted(500, b"{}")] * 8
    with pytest.raises(StripeUnavailableError):
        stage(warehouse, client, account, streams=1)
    first = rows(warehouse, "select batch_id from ops.batch order by 1")
    assert first
    done = stage(warehouse, client, account)
    assert done.done == done.planned
    assert rows(warehouse, "select batch_id from ops.batch order by 1")[: len(first)] == first
    assert rows(warehouse, "select count(*), count(distinct object_id) from raw.object") == [(1000, 1000)]


def test_a_killed_task_goes_on_with_the_slices_that_are_left(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account, "customer")
    ((planned,),) = rows(warehouse, "select count(*) from ops.planned_batch where source = 'list'")
    # Some slices are committed; then the server is silent until the kill.
    stripe.scripts["/v1/customers"] = [Scripted() for _ in range(8)] + [Scripted(delay=20)] * 2
    process = subprocess.Popen(
        [sys.executable, "-m", listing_process.__name__, warehouse, stripe.base_url, "run"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"},
    )
    until(lambda: not stripe.scripts["/v1/customers"])
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    until(lambda: rows(warehouse, "select count(*) from pg_locks where locktype = 'advisory'") == [(0,)])
    ((committed,),) = rows(warehouse, "select count(*) from ops.batch")
    assert 0 < committed < planned

    another = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None)
    done = stage(warehouse, another, account)
    another.close()
    assert (done.done, done.planned) == (planned, planned)
    assert rows(warehouse, "select count(*) from ops.batch") == [(planned,)]
    assert rows(warehouse, "select count(*), count(distinct object_id) from raw.object") == [(1000, 1000)]


def test_objects_on_test_clocks_are_listed_by_clock(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    stripe.rows[backfill.TEST_CLOCKS] = [row("test_helpers.test_clock", "clock_1")]
    # Created at the clock's own time, which may be years ahead.
    stripe.rows["/v1/subscriptions"] = []
    stripe.by_clock = {("/v1/customers", "clock_1"): [row("customer", "cus_clock", HOUR + 10**8, test_clock="clock_1")]}
    made = plan(conn, client, account)
    scopes = {(piece.object_name, piece.scope) for piece in made.shares[0] if piece.scope}
    assert scopes == {("customer", "test_clock=clock_1"), ("subscription", "test_clock=clock_1")}
    stage(warehouse, client, account)
    assert rows(warehouse, "select count(*) from raw.object where object_id = 'cus_clock'") == [(1,)]
    assert rows(warehouse, "select object_type, scope from ops.batch where scope is not null order by 1") == [
        ("customer", "test_clock=clock_1"),
        ("subscription", "test_clock=clock_1"),
    ]


def test_a_test_clock_that_is_deleted_before_it_is_listed_leaves_nothing_to_do(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    stripe.rows[backfill.TEST_CLOCKS] = [row("test_helpers.test_clock", "clock_1")]
    plan(conn, client, account, "subscription")
    error = {"type": "invalid_request_error", "code": "resource_missing", "param": "test_clock", "message": "No such"}
    stripe.scripts["/v1/subscriptions"] = [Scripted(), Scripted(400, json.dumps({"error": error}).encode())]
    done = stage(warehouse, client, account, streams=1)
    assert (done.done, done.planned) == (1, 1)
    assert refused_kinds(conn, "run") == []


def test_a_live_key_has_no_test_clocks(
    stripe: ScriptedStripe, client: StripeClient, conn: psycopg.Connection, account: Account
) -> None:
    live = Account(account.account_id, True, account.clock)
    plan(conn, client, live)
    assert stripe.calls(backfill.TEST_CLOCKS) == []


def test_a_server_without_test_clocks_is_no_fault(
    stripe: ScriptedStripe, client: StripeClient, conn: psycopg.Connection, account: Account
) -> None:
    stripe.scripts[backfill.TEST_CLOCKS] = [Scripted(404, b'{"error": {"message": "Unrecognized request URL"}}')]
    assert plan(conn, client, account).refused == []


def test_a_plan_made_again_replaces_what_was_not_read(
    client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    plan(conn, client, account, "customer", "charge")
    plan(conn, client, account, "charge")
    assert rows(warehouse, "select distinct object_type from ops.planned_batch") == [("charge",)]
    assert read_progress(conn, account, "run", "list") == Progress(0, 1, 0, 0, 0, None, None)
