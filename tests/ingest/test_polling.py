"""Lists of which no event tells: closed windows, a watermark of their own, nothing left out."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import StripeAccessError
from tallyhouse.polling import POLLED, poll_lists
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, Scripted, ScriptedStripe

PATH = "/v1/balance_transactions"


def poll(conn: psycopg.Connection, client: StripeClient, account: Account) -> int | None:
    conn.commit()
    minute, days = timedelta(minutes=1), timedelta(days=10)
    return poll_lists(conn, client, account, "run", lag=minute, overlap=5 * minute, max_window=days)


def transaction(number: int, created: int) -> Row:
    object_id = f"txn_{number}"
    body = {"object": "balance_transaction", "id": object_id, "created": created}
    return Row(object_id, created, json.dumps(body).encode())


def watermark(conn: psycopg.Connection) -> datetime | None:
    row = conn.execute("select through from ops.watermark where stream = 'list:balance_transaction'").fetchone()
    return row[0] if row else None


def test_balance_transactions_are_polled() -> None:
    assert [item.name for item in POLLED] == ["balance_transaction"]


def test_the_first_poll_reads_the_days_that_events_are_kept_and_the_next_what_came_since(
    conn: psycopg.Connection, stripe: ScriptedStripe, client: StripeClient, account: Account
) -> None:
    stripe.now = HOUR
    stripe.rows[PATH] = [
        transaction(3, HOUR - 60),  # in the lag
        transaction(2, HOUR - 62),
        transaction(1, HOUR - 86400 * 29),
        transaction(0, HOUR - 86400 * 31),  # a backfill brings it
    ]
    assert poll(conn, client, account) == 2
    # the answer took a moment: its second is the one before
    assert watermark(conn) == datetime.fromtimestamp(HOUR - 61, UTC)
    assert len(stripe.calls(PATH)) == 3
    stripe.now = HOUR + 3600
    stripe.rows[PATH] = [transaction(5, HOUR + 3000), transaction(4, HOUR - 120), *stripe.rows[PATH]]
    assert poll(conn, client, account) == 4  # the overlap shows one again, as of now
    assert conn.execute("select object_id from raw.object group by 1 order by 1").fetchall() == [
        (f"txn_{n}",) for n in (1, 2, 3, 4, 5)
    ]
    assert watermark(conn) == datetime.fromtimestamp(HOUR + 3539, UTC)


def test_a_poll_after_a_long_pause_leaves_nothing_out(
    conn: psycopg.Connection, stripe: ScriptedStripe, client: StripeClient, account: Account
) -> None:
    stripe.now = HOUR
    poll(conn, client, account)
    stripe.now = HOUR + 86400 * 90
    stripe.rows[PATH] = [transaction(1, HOUR + 86400)]
    assert poll(conn, client, account) == 1
    assert conn.execute("select count(*) from ops.gap").fetchone() == (0,)


def test_nothing_new_can_be_read_before_the_lag_has_passed(
    conn: psycopg.Connection, stripe: ScriptedStripe, client: StripeClient, account: Account
) -> None:
    stripe.now = HOUR
    poll(conn, client, account)
    assert poll(conn, client, account) is None


def test_windows_that_were_committed_before_a_failure_are_not_read_again(
    conn: psycopg.Connection, stripe: ScriptedStripe, client: StripeClient, account: Account
) -> None:
    stripe.now = HOUR
    stripe.scripts[PATH] = [Scripted(), Scripted(403, b'{"error": {"message": "no permission"}}')]
    with pytest.raises(StripeAccessError, match=r"GET /v1/balance_transactions created \["):
        poll(conn, client, account)
    reached = watermark(conn)
    assert reached is not None
    poll(conn, client, account)
    overlapped = int((reached - timedelta(minutes=5)).timestamp())
    assert int(stripe.calls(PATH)[2]["created[gte]"]) == overlapped
    # the answer took a moment: its second is the one before
    assert watermark(conn) == datetime.fromtimestamp(HOUR - 61, UTC)
