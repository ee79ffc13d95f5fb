"""Listing objects for a backfill: slices, resumed where they stopped, each object once per sighting."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse import object_staging
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import StripeAccessError
from tallyhouse.ingest import stage_list
from tallyhouse.windows import Window
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, Scripted, ScriptedStripe

START = datetime.fromtimestamp(HOUR, UTC)
DAY = Window(START, START + timedelta(days=1))


def customer(number: int, created: int = HOUR, **extra: Any) -> Row:
    value = {"id": f"cus_{number}", "object": "customer", "created": created, "livemode": False, **extra}
    return Row(f"cus_{number}", created, json.dumps(value).encode())


def rows(conn: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        return conn.execute(query).fetchall()


@pytest.fixture
def customers(stripe: ScriptedStripe) -> list[Row]:
    stripe.now = HOUR + 90_000
    stripe.rows["/v1/customers"] = [customer(number, HOUR + 5000 - number) for number in range(230)]
    return stripe.rows["/v1/customers"]


def test_a_slice_is_committed_as_one_batch(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    customers: list[Row],
) -> None:
    report = stage_list(conn, client, account, "customer", DAY, "backfill")
    assert (report.row_count, report.new_count, report.call_count, report.watermark) == (230, 230, 3, None)
    assert rows(conn, "select source, object_type, asked_from, asked_to, new_count from ops.batch") == [
        ("list", "customer", DAY.start, DAY.end, 230)
    ]
    stored = dict(rows(conn, "select object_id, payload from raw.object"))
    assert stored == {row.row_id: json.loads(row.text) for row in customers}
    ((first, last),) = rows(conn, "select min(observed_at), max(observed_at) from raw.object")
    assert START + timedelta(seconds=89_990) <= first <= last <= START + timedelta(seconds=90_000)


def test_a_list_is_asked_for_what_leaves_nothing_out(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    stage_list(conn, client, account, "subscription", DAY, "backfill")
    assert stripe.calls("/v1/subscriptions") == [
        {
            "status": "all",
            "expand[0]": "data.discounts",
            "expand[1]": "data.items.data.discounts",
            "created[gte]": str(HOUR),
            "created[lt]": str(HOUR + 86_400),
            "limit": "100",
        }
    ]


def test_a_slice_that_the_run_has_committed_is_skipped(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    customers: list[Row],
) -> None:
    first = stage_list(conn, client, account, "customer", DAY, "backfill")
    calls = len(stripe.requests)
    again = stage_list(conn, client, account, "customer", DAY, "backfill")
    assert again.skipped
    assert (again.batch_id, again.new_count) == (first.batch_id, 230)
    assert "skipped" in again.describe()
    assert len(stripe.requests) == calls


def test_a_slice_that_failed_is_listed_again_by_the_same_run(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    customers: list[Row],
) -> None:
    stripe.script = [Scripted(), Scripted(401, b"{}")]
    with pytest.raises(StripeAccessError):
        stage_list(conn, client, account, "customer", DAY, "backfill")
    assert rows(conn, "select count(*) from raw.object") == [(0,)]
    assert stage_list(conn, client, account, "customer", DAY, "backfill").new_count == 230


def test_another_run_observes_the_objects_again(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    customers: list[Row],
) -> None:
    stage_list(conn, client, account, "customer", DAY, "monday")
    assert stripe.now is not None
    stripe.now += 3600
    assert stage_list(conn, client, account, "customer", DAY, "tuesday").new_count == 230
    assert rows(conn, "select count(*), count(distinct object_id) from raw.object") == [(460, 230)]


def test_the_same_object_seen_twice_in_a_second_is_stored_once(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    data = [json.loads(customer(number).text) for number in (1, 2, 1)]
    stripe.script = [Scripted(body=json.dumps({"object": "list", "data": data, "has_more": False}).encode())]
    report = stage_list(conn, client, account, "customer", DAY, "backfill")
    assert (report.row_count, report.new_count, report.duplicate_count) == (3, 2, 1)


def test_chunks_lose_nothing(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    customers: list[Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_staging, "CHUNK_BYTES", 100)
    assert stage_list(conn, client, account, "customer", DAY, "backfill").new_count == 230
    assert rows(conn, "select count(*) from raw.object") == [(230,)]


def test_an_odd_object_is_kept_as_text_and_nothing_else_is_lost(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    huge = Row("cus_3", HOUR, customer(3).text[:-1] + b', "n": 1e131073}')
    stripe.rows["/v1/customers"] = [customer(1), customer(2, name="a\0b"), huge, customer(4)]
    report = stage_list(conn, client, account, "customer", DAY, "backfill")
    assert (report.row_count, report.new_count, report.rejected_count) == (4, 2, 2)
    assert rows(conn, "select source, row_key from raw.rejected order by 2") == [
        ("list:customer", "cus_2"),
        ("list:customer", "cus_3"),
    ]


def test_an_object_without_livemode_takes_the_keys(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    text = json.dumps({"id": "re_1", "object": "refund", "created": HOUR}).encode()
    stripe.rows["/v1/refunds"] = [Row("re_1", HOUR, text)]
    stage_list(conn, client, account, "refund", DAY, "backfill")
    assert rows(conn, "select livemode, object_type from raw.object") == [(False, "refund")]


def test_unknown_fields_of_listed_objects_are_counted(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    stripe.rows["/v1/customers"] = [customer(1, aura="blue"), customer(2)]
    report = stage_list(conn, client, account, "customer", DAY, "backfill")
    assert report.unknown == {"fields": {"customer.aura": 1}}
