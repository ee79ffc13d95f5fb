"""Planning from the watermark in the database: first runs, catching up, and gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse import gaps
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import GapError
from tallyhouse.gaps import report_gaps
from tallyhouse.ingest import plan_events, stage_events
from tallyhouse.windows import Window
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, ScriptedStripe, event

NOW = datetime.fromtimestamp(HOUR, UTC)


@pytest.fixture(autouse=True)
def frozen(stripe: ScriptedStripe) -> None:
    stripe.now = HOUR


def rows(conn: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        return conn.execute(query).fetchall()


def plan(
    conn: psycopg.Connection, client: StripeClient, account: Account, max_window: timedelta = timedelta(hours=1)
) -> list[Window]:
    """The windows to read, with the usual lag and overlap."""
    lag, overlap = timedelta(minutes=1), timedelta(minutes=5)
    return plan_events(conn, client, account, lag=lag, overlap=overlap, max_window=max_window)


def test_a_first_plan_sets_the_watermark_to_its_beginning(
    client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    windows = plan(conn, client, account, timedelta(days=1))
    assert len(windows) == 30
    assert rows(conn, "select through from ops.watermark") == [(windows[0].start,)]
    assert rows(conn, "select count(*) from ops.gap") == [(0,)]


def test_windows_committed_newest_first_move_the_watermark_only_at_the_end(
    client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    windows = plan(conn, client, account, timedelta(days=10))
    assert len(windows) == 3
    reached = [stage_events(conn, client, account, window, "run").watermark for window in reversed(windows)]
    assert reached == [windows[0].start.isoformat()] * 2 + [windows[-1].end.isoformat()]


def test_the_next_plan_goes_on_from_the_watermark_less_the_overlap(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    stripe.now = HOUR + 3600
    (window,) = plan(conn, client, account, timedelta(hours=2))
    assert NOW - timedelta(minutes=7) <= window.start <= NOW - timedelta(minutes=6)
    assert NOW + timedelta(minutes=58) <= window.end <= NOW + timedelta(minutes=59)


def test_nothing_is_planned_twice_in_the_same_minute(
    client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    assert plan(conn, client, account) == []


def test_a_watermark_older_than_stripe_keeps_is_recorded_as_a_gap_and_said_loudly(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for window in plan(conn, client, account, timedelta(days=40)):
        through = stage_events(conn, client, account, window, "run").watermark
    stripe.now = HOUR + 45 * 86_400
    windows = plan(conn, client, account, timedelta(days=1))
    ((start, end, reason, closed),) = rows(conn, "select gap_from, gap_to, reason, closed_at from ops.gap")
    assert start.isoformat() == through
    assert end == windows[0].start
    assert "30 days" in reason
    assert closed is None
    assert rows(conn, "select through from ops.watermark") == [(end,)]
    assert [record.levelname for record in caplog.records if "stripe_backfill" in record.message] == ["ERROR"]


def test_a_gap_is_recorded_once_and_reading_goes_on(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    stripe.now = HOUR + 45 * 86_400
    stripe.rows["/v1/events"] = [event("evt_1", int(stripe.now) - 600)]
    plan(conn, client, account)
    for window in plan(conn, client, account, timedelta(days=40)):
        report = stage_events(conn, client, account, window, "run")
    assert report.new_count == 1
    assert rows(conn, "select count(*) from ops.gap") == [(1,)]


def test_a_plan_that_was_never_read_is_no_gap(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    plan(conn, client, account)
    stripe.now = HOUR + 86_400
    windows = plan(conn, client, account)
    assert rows(conn, "select count(*) from ops.gap") == [(0,)]
    assert rows(conn, "select through from ops.watermark") == [(windows[0].start,)]


def test_test_data_and_live_data_have_their_own_watermarks(
    client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    plan(conn, client, account)
    plan(conn, client, Account(account.account_id, True, account.clock))
    assert rows(conn, "select livemode from ops.watermark order by 1") == [(False,), (True,)]


def test_a_newest_event_that_cannot_be_read_does_not_stop_planning(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    text = event("evt_odd", HOUR - 600).text
    stripe.rows["/v1/events"] = [Row("evt_odd", HOUR - 600, text[:-1] + b', "note": "\\ud800"}')]
    (window,) = plan(conn, client, account, timedelta(days=40))
    assert stage_events(conn, client, account, window, "run").rejected_count == 1


@pytest.fixture
def gap(stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection) -> Window:
    """A gap that a plan has just recorded."""
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    stripe.now = HOUR + 45 * 86_400
    plan(conn, client, account)
    ((start, end),) = rows(conn, "select gap_from, gap_to from ops.gap")
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def test_a_gap_is_an_error_that_names_it_and_what_to_do(gap: Window, conn: psycopg.Connection) -> None:
    with pytest.raises(GapError, match=r"acct_scripted.*stripe_backfill.*ops\.gap") as raised:
        report_gaps(conn)
    assert str(gap) in str(raised.value)
    assert raised.value.gaps == [("acct_scripted", gap.start, gap.end)]


def test_a_gap_is_told_once(gap: Window, client: StripeClient, account: Account, conn: psycopg.Connection) -> None:
    with pytest.raises(GapError):
        report_gaps(conn)
    assert rows(conn, "select reported_at >= opened_at, closed_at from ops.gap") == [(True, None)]
    told = rows(conn, "select * from ops.gap")
    plan(conn, client, account)
    report_gaps(conn)
    assert rows(conn, "select * from ops.gap") == told


def test_a_gap_of_a_run_that_died_before_it_told_is_told_by_the_next(
    gap: Window, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    plan(conn, client, account)
    with pytest.raises(GapError):
        report_gaps(conn)


def test_a_gap_that_was_closed_is_not_told(gap: Window, conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute("update ops.gap set closed_at = clock_timestamp()")
    report_gaps(conn)
    assert rows(conn, "select reported_at, closed_at is not null from ops.gap") == [(None, True)]


def test_without_a_gap_there_is_nothing_to_tell(
    client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    plan(conn, client, account)
    report_gaps(conn)
    assert rows(conn, "select * from ops.gap") == []


@pytest.mark.parametrize(
    ("days_after", "is_recorded"), [(0, True), (29, True), (31, False)], ids=["at once", "a month after", "later"]
)
def test_a_connected_account_that_first_appears_after_a_gap_has_that_gap_too(
    days_after: int,
    is_recorded: bool,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
) -> None:
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    stripe.now = HOUR + 40 * 86_400
    windows = plan(conn, client, account, timedelta(days=40))
    gap = "select gap_from, gap_to from ops.gap where account_id = '{}'"
    ((gap_from, gap_to),) = rows(conn, gap.format(account.account_id))
    first = int(gap_to.timestamp()) + days_after * 86_400 + 60
    stripe.rows["/v1/events"] = [event("evt_shop", first, account="acct_shop")]
    for window in windows:
        stage_events(conn, client, account, window, "run")
    assert rows(conn, gap.format("acct_shop")) == []
    stripe.now = max(stripe.now, first) + 3600
    for window in plan(conn, client, account, timedelta(days=40)):
        stage_events(conn, client, account, window, "run")
    stripe.now += 3600
    plan(conn, client, account)
    found = rows(conn, gap.format("acct_shop"))
    assert found == ([(gap_from, gap_to)] if is_recorded else [])
    asked = gaps.ask_relisting(conn)
    assert len([gap for gap in asked if gap.startswith("acct_shop")]) == len(found)
    # once
    plan(conn, client, account)
    assert len(rows(conn, gap.format("acct_shop"))) == len(found)
