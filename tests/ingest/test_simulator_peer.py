"""The whole way against the simulator: its events and objects arrive, whatever faults it is told to make."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from simulator.instance import simulator_thread
from tallyhouse.client import StripeClient
from tallyhouse.errors import StripeAccessError
from tallyhouse.ingest import plan_events, report_rejects, stage_events, stage_list
from tallyhouse.objects import LISTED
from tallyhouse.slices import tile
from tallyhouse.windows import cut
from tests.ingest.scripted import KEY

NOW = "2026-10-01T00:00:00Z"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with simulator_thread(now=NOW, customers=60, months=4, seed=26) as base_url:
        yield base_url


@pytest.fixture
def base_url(served: str) -> Iterator[str]:
    yield served
    httpx.delete(f"{served}/_sim/faults").raise_for_status()


@pytest.fixture
def client(base_url: str, waits: list[float]) -> StripeClient:
    return StripeClient(KEY, api_base=base_url, requests_per_second=None, sleep=waits.append)


def fault(base_url: str, **what: Any) -> None:
    httpx.post(f"{base_url}/_sim/faults", json=what).raise_for_status()


def stage_all(
    conn: psycopg.Connection, client: StripeClient, max_window: timedelta = timedelta(days=31)
) -> list[tuple[Any, ...]]:
    """Reads all that the simulator shows; returns raw.event without batches."""
    account = client.account()
    lag, overlap = timedelta(minutes=1), timedelta(minutes=5)
    for window in plan_events(conn, client, account, lag=lag, overlap=overlap, max_window=max_window):
        stage_events(conn, client, account, window, "run")
    report_rejects(conn)
    with conn.transaction():
        return conn.execute(
            "select event_id, created_at, listing_order, payload::text from raw.event order by 1"
        ).fetchall()


def test_faults_on_the_way_change_nothing(
    base_url: str, client: StripeClient, waits: list[float], conn: psycopg.Connection
) -> None:
    plain = stage_all(conn, client, max_window=timedelta(days=31))
    assert len(plain) > 200
    assert waits == []
    with conn.transaction():
        conn.execute("truncate raw.event, ops.batch, ops.watermark")
    for name in ("rate_limit", "server_error", "html", "cut"):
        fault(base_url, name=name, count=2)
    assert stage_all(conn, client, max_window=timedelta(days=3)) == plain
    assert len(waits) >= 6
    with conn.transaction():
        assert conn.execute("select count(*), sum(late_count) from ops.batch").fetchone() == (10, 0)


def test_every_event_that_stripe_lists_is_stored_in_its_order(
    base_url: str, client: StripeClient, conn: psycopg.Connection
) -> None:
    stage_all(conn, client, max_window=timedelta(days=1))
    listed: list[str] = []
    query: dict[str, Any] = {"limit": 100}
    with conn.transaction():
        row = conn.execute("select min(asked_from), max(asked_to) from ops.batch").fetchone()
    assert row is not None
    query |= {"created[gte]": int(row[0].timestamp()), "created[lt]": int(row[1].timestamp())}
    while True:
        page = httpx.get(f"{base_url}/v1/events", params=query, auth=(KEY, "")).json()
        listed += [event["id"] for event in page["data"]]
        if not page["has_more"]:
            break
        query["starting_after"] = listed[-1]
    with conn.transaction():
        stored = conn.execute("select event_id from raw.event order by created_at desc, listing_order desc").fetchall()
    assert [event_id for (event_id,) in stored] == listed


def test_nothing_in_the_simulator_is_unknown(client: StripeClient, conn: psycopg.Connection) -> None:
    stage_all(conn, client, max_window=timedelta(days=31))
    with conn.transaction():
        assert conn.execute("select distinct unknown from ops.batch").fetchall() == [({},)]


def test_all_listable_objects_are_listed(base_url: str, client: StripeClient, conn: psycopg.Connection) -> None:
    account = client.account()
    now = client.server_time() + timedelta(days=1)
    for piece in tile(LISTED, cut(now - timedelta(days=200), now, timedelta(days=100))):
        stage_list(conn, client, account, piece.object_name, piece.window, "backfill")
    report_rejects(conn)
    stats = httpx.get(f"{base_url}/_sim/stats").json()
    with conn.transaction():
        stored: dict[str, int] = dict(
            conn.execute("select object_type, count(*) from raw.object group by 1").fetchall()
        )
    assert set(stored) == set(LISTED), stats
    assert all(count > 0 for count in stored.values())


@pytest.mark.parametrize(("name", "status"), [("revoke_key", "401"), ("restricted", "403")])
def test_a_refused_key_fails_at_once(
    name: str, status: str, base_url: str, client: StripeClient, waits: list[float], conn: psycopg.Connection
) -> None:
    fault(base_url, name=name)
    with pytest.raises(StripeAccessError, match=status):
        stage_all(conn, client)
    assert waits == []
