"""Staging a window: every event once, in Stripe's order, or set aside with the reason."""

import json
import random
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse import event_staging
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import RejectedRowsError, StripeAccessError, StripeUnavailableError
from tallyhouse.ingest import report_rejects, stage_events
from tallyhouse.listing_order import SPACING
from tallyhouse.report import BatchReport
from tallyhouse.windows import Window
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, Scripted, ScriptedStripe, event

START = datetime.fromtimestamp(HOUR, UTC)
WINDOW = Window(START, START + timedelta(hours=1))


def rows(conn: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        return conn.execute(query).fetchall()


def places(conn: psycopg.Connection) -> dict[str, int]:
    return dict(rows(conn, "select event_id, listing_order from raw.event"))


def everything(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    """raw.event without the batch that brought each row."""
    return rows(
        conn,
        "select account_id, livemode, event_id, type, created_at, listing_order, api_version, object_type, "
        "object_id, payload::text from raw.event order by event_id",
    )


@pytest.fixture
def stage(conn: psycopg.Connection, client: StripeClient, account: Account) -> Any:
    """Stages a window as a named run."""

    def run(window: Window = WINDOW, run_id: str = "run") -> BatchReport:
        return stage_events(conn, client, account, window, run_id)

    return run


def test_a_window_is_committed_with_its_batch_and_watermark(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 1000 - n // 3) for n in range(250)]
    report = stage()
    assert (report.row_count, report.new_count, report.duplicate_count, report.call_count) == (250, 250, 0, 3)
    assert report.watermark == WINDOW.end.isoformat()
    assert rows(conn, "select through from ops.watermark") == [(WINDOW.end,)]
    assert rows(
        conn,
        "select batch_id, source, object_type, asked_from, asked_to, run_id, row_count, new_count, "
        "call_count, byte_count > 50000, unknown from ops.batch",
    ) == [(report.batch_id, "events", None, WINDOW.start, WINDOW.end, "run", 250, 250, 3, True, {})]
    assert json.loads(json.dumps(asdict(report))) == asdict(report)


def test_each_column_holds_what_the_event_says(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    row = event("evt_1", HOUR, account="acct_connected", livemode=True, api_version=None)
    stripe.rows["/v1/events"] = [row, event("evt_0", HOUR, object={"object": "balance"})]
    report = stage()
    assert rows(conn, "select * from raw.event order by event_id desc") == [
        (
            "acct_connected", True, "evt_1", "charge.succeeded", START, 0, None, "charge", "ch_evt_1",
            json.loads(row.text), report.batch_id, None,
        ),
        (
            "acct_scripted", False, "evt_0", "charge.succeeded", START, -SPACING, "2026-10-28.endive", "balance",
            None, json.loads(stripe.rows["/v1/events"][1].text), report.batch_id, None,
        ),
    ]  # fmt: skip


def test_the_order_within_a_second_goes_on_over_pages_and_chunks(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 30)
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 9 - n // 170) for n in range(510)]
    stage()
    assert places(conn) == {f"evt_{n}": -(n % 170) * SPACING for n in range(510)}


def test_an_empty_window_moves_the_watermark(stage: Any, conn: psycopg.Connection) -> None:
    report = stage()
    assert (report.row_count, report.watermark) == (0, WINDOW.end.isoformat())


def test_a_window_read_twice_gives_duplicates_and_the_same_rows(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 1000 - n // 3) for n in range(250)]
    stage()
    before = everything(conn)
    again = stage()
    assert (again.row_count, again.new_count, again.duplicate_count, again.late_count) == (250, 0, 250, 0)
    assert everything(conn) == before


def test_an_event_listed_twice_is_stored_once(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    twice = [event("evt_a", HOUR + 5), event("evt_b", HOUR + 5), event("evt_c", HOUR + 4)]
    listing = json.dumps({"object": "list", "data": [json.loads(r.text) for r in twice], "has_more": True}).encode()
    rest = [event("evt_b", HOUR + 5), event("evt_c", HOUR + 4), event("evt_d", HOUR + 4)]
    last = json.dumps({"object": "list", "data": [json.loads(r.text) for r in rest], "has_more": False}).encode()
    stripe.script = [Scripted(body=listing), Scripted(body=last)]
    report = stage()
    assert (report.row_count, report.new_count, report.duplicate_count) == (6, 4, 2)
    assert set(places(conn)) == {"evt_a", "evt_b", "evt_c", "evt_d"}


def test_an_event_listed_twice_in_different_chunks_is_stored_once(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 1)
    same = event("evt_a", HOUR + 5)
    data = [json.loads(row.text) for row in (same, event("evt_b", HOUR + 4), same)]
    stripe.script = [Scripted(body=json.dumps({"object": "list", "data": data, "has_more": False}).encode())]
    report = stage()
    assert (report.new_count, report.duplicate_count) == (2, 1)


def test_a_late_event_is_counted_and_placed_between_its_neighbours_which_keep_their_places(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    a, b, late, c = (event(name, HOUR + 5) for name in ("evt_a", "evt_b", "evt_late", "evt_c"))
    stripe.rows["/v1/events"] = [a, b, c]
    stage()
    before = places(conn)
    assert before == {"evt_a": 0, "evt_b": -SPACING, "evt_c": -2 * SPACING}
    stripe.rows["/v1/events"] = [a, b, late, c]
    report = stage()
    assert (report.new_count, report.duplicate_count, report.late_count) == (1, 3, 1)
    assert places(conn) == before | {"evt_late": -3 * SPACING // 2}


def test_events_of_a_first_window_are_not_late(stripe: ScriptedStripe, stage: Any) -> None:
    stripe.rows["/v1/events"] = [event("evt_a", HOUR)]
    assert stage().late_count == 0


@pytest.mark.parametrize("seed", range(3))
def test_overlapping_windows_in_any_order_give_the_same_rows(
    seed: int, stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    stripe.page_size = 7
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 3599 - n * 11 // 4) for n in range(1200)]
    stage()
    expected = everything(conn)
    with conn.transaction():
        conn.execute("truncate raw.event, ops.batch, ops.watermark")
    windows = [
        Window(START + timedelta(minutes=minute), min(START + timedelta(minutes=minute + 17), WINDOW.end))
        for minute in range(0, 60, 9)
    ] * 2
    random.Random(seed).shuffle(windows)
    for window in windows:
        stage(window)
    assert everything(conn) == expected


def test_windows_that_commit_out_of_order_hold_the_watermark_at_the_hole(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    first, second = (Window(START + timedelta(minutes=m), START + timedelta(minutes=m + 30)) for m in (0, 30))
    with conn.transaction():
        conn.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) "
            "values ('acct_scripted', false, 'events', %s)",
            [START],
        )
    assert stage(second).watermark == START.isoformat()
    assert stage(first).watermark == WINDOW.end.isoformat()


ODD = {
    "nul": (b'"a\\u0000b"', "u0000"),
    "surrogate": (b'"\\ud800"', "lone surrogate"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_row_that_jsonb_refuses_is_kept_as_text_and_nothing_else_is_lost(
    kind: str, stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    value, reason = ODD[kind]
    text = event("evt_odd", HOUR + 5).text
    odd = Row("evt_odd", HOUR + 5, text[:-1] + b', "note": ' + value + b"}")
    stripe.rows["/v1/events"] = [event("evt_a", HOUR + 5), odd, event("evt_c", HOUR + 5)]
    report = stage()
    assert (report.row_count, report.new_count, report.rejected_count) == (3, 2, 1)
    assert set(places(conn)) == {"evt_a", "evt_c"}
    ((row_key, why, payload, batch_id, source),) = rows(
        conn, "select row_key, reason, payload, batch_id, source from raw.rejected"
    )
    assert (row_key, payload.encode(), batch_id, source) == ("evt_odd", odd.text, report.batch_id, "events")
    assert reason in why
    with pytest.raises(RejectedRowsError, match=r"1 row.*events evt_odd.*" + reason + ".*raw.rejected"):
        report_rejects(conn)


def test_a_rejected_row_is_reported_once(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    headless = event("evt_headless", HOUR)
    headless.text = headless.text.replace(b'"object": {', b'"subject": {')
    stripe.rows["/v1/events"] = [headless, event("evt_a", HOUR)]
    assert stage(run_id="first").rejected_count == 1
    again = stage(run_id="second")
    assert (again.rejected_count, again.duplicate_count) == (0, 2)
    with pytest.raises(RejectedRowsError, match="evt_headless") as raised:
        report_rejects(conn)
    assert [row[:2] for row in raised.value.rejects] == [("events", "evt_headless")]
    report_rejects(conn)
    assert rows(conn, "select reported_at >= received_at from raw.rejected") == [(True,)]
    another = event("evt_another", HOUR)
    another.text = another.text.replace(b'"object": {', b'"subject": {')
    stripe.rows["/v1/events"].append(another)
    stage(run_id="third")
    with pytest.raises(RejectedRowsError, match=r"1 row.*evt_another"):
        report_rejects(conn)


def test_many_rejects_are_written_as_they_come_and_the_first_are_named(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 20)
    odd = [event(f"evt_{n:03}", HOUR + 500 - n, data={}) for n in range(250)]
    stripe.rows["/v1/events"] = [*odd, event("evt_good", HOUR)]
    report = stage()
    assert (report.new_count, report.rejected_count, report.duplicate_count) == (1, 250, 0)
    with pytest.raises(RejectedRowsError, match=r"250 row.*evt_000.*evt_009.*and 240 more"):
        report_rejects(conn)


def test_two_reports_at_once_tell_a_reject_once(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection, warehouse: str
) -> None:
    stripe.rows["/v1/events"] = [event("evt_odd", HOUR, data={})]
    stage()
    told: list[str] = []

    def tell() -> None:
        with psycopg.connect(warehouse) as own:
            try:
                report_rejects(own)
            except RejectedRowsError as error:
                told.append(error.rejects[0][1])

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["evt_odd"]


def test_what_only_postgresql_refuses_is_set_aside_too(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    # One more digit before the point than PostgreSQL's numeric can have.
    text = event("evt_big", HOUR + 5).text
    big = Row("evt_big", HOUR + 5, text[:-1] + b', "n": 1e131073}')
    stripe.rows["/v1/events"] = [event("evt_a", HOUR + 6), big, *(event(f"evt_{n}", HOUR) for n in range(40))]
    report = stage()
    assert (report.new_count, report.rejected_count) == (41, 1)
    assert "PostgreSQL refuses it" in report.rejected[0][1]


def test_an_event_of_one_megabyte_is_staged(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    large = event("evt_large", HOUR, object={"id": "ch_1", "object": "charge", "description": "x" * 1_000_000})
    stripe.rows["/v1/events"] = [large, event("evt_a", HOUR)]
    assert stage().new_count == 2
    ((size,),) = rows(
        conn,
        "select length(payload #>> '{data,object,description}') from raw.event where event_id = 'evt_large'",
    )
    assert size == 1_000_000


def test_a_number_is_stored_to_its_last_digit(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    text = event("evt_1", HOUR).text
    stripe.rows["/v1/events"] = [Row("evt_1", HOUR, text[:-1] + b', "n": 123456789012345678901234567890}')]
    stage()
    assert rows(conn, "select payload ->> 'n' from raw.event") == [("123456789012345678901234567890",)]


def test_unknown_types_and_fields_are_in_the_batch_and_the_log_line(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    charge = {"id": "ch_1", "object": "charge", "teleported": True}
    stripe.rows["/v1/events"] = [event("evt_1", HOUR, type="charge.teleported", object=charge)]
    report = stage()
    found = {"types": {"charge.teleported": 1}, "fields": {"charge.teleported": 1}}
    assert rows(conn, "select unknown from ops.batch") == [(found,)]
    assert "unknown types: charge.teleported (1)" in report.describe()


@pytest.mark.parametrize("status", [401, 503])
def test_a_fault_in_the_middle_leaves_nothing_of_the_window(
    status: int, stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 10)
    stripe.rows["/v1/events"] = [event(f"evt_{n}", HOUR + 1000 - n) for n in range(250)]
    stripe.script = [Scripted(), Scripted()] + [Scripted(status, b"{}")] * 8
    with pytest.raises((StripeAccessError, StripeUnavailableError)):
        stage()
    for table in ("raw.event", "ops.batch", "ops.watermark"):
        assert rows(conn, f"select count(*) from {table}") == [(0,)]
    stripe.script.clear()
    assert stage().new_count == 250


def test_throttling_is_counted_in_the_batch(stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection) -> None:
    stripe.script = [Scripted(429, b"{}")] * 2
    stage()
    assert rows(conn, "select call_count, throttled_count from ops.batch") == [(3, 2)]


def test_a_connection_with_an_open_transaction_is_refused(stage: Any, conn: psycopg.Connection) -> None:
    conn.execute("select 1")
    with pytest.raises(ValueError, match="transaction open"):
        stage()


def test_the_partitions_of_a_window_over_the_turn_of_a_month_are_made(
    stripe: ScriptedStripe, stage: Any, conn: psycopg.Connection
) -> None:
    turn = datetime(2031, 2, 1, tzinfo=UTC)
    at = int(turn.timestamp())
    stripe.rows["/v1/events"] = [event("evt_after", at), event("evt_before", at - 1)]
    stage(Window(turn - timedelta(hours=1), turn + timedelta(hours=1)))
    assert dict(rows(conn, "select event_id, tableoid::regclass::text from raw.event")) == {
        "evt_after": "raw.event_y2031m02",
        "evt_before": "raw.event_y2031m01",
    }
