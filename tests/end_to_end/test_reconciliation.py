"""Reconciliation against a company whose every event is known: quiet, after faults, and after it has healed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.ledger import Event
from simulator.server import serve_in_thread
from tallyhouse.comparison import NEVER_SEEN, STALE
from tests.conftest import PostgresServer
from tests.end_to_end.books import assert_marts_equal_books, rows
from tests.end_to_end.pipeline import OVERLAP, Pipeline

FOUNDED = datetime(2025, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 5
END = NOW + timedelta(days=DAYS)
COMPARED = ("subscription", "invoice", "charge")
LATE = OVERLAP - timedelta(minutes=1)
"""What is visible so late is found again by the overlap; what is dropped, or later than that, is not."""


@dataclass(frozen=True)
class Troubled:
    """A warehouse that lived through the faults, and what they took from it.

    `lost`: (kind, id) -> the last event that could be read, and the last there was.
    """

    pipeline: Pipeline
    visible: set[str]
    lost: dict[tuple[str, str], tuple[Event | None, Event]]
    touched: set[tuple[str, str]]
    throttled: int


def differences(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    """(kind, id) -> reason, of all comparisons so far."""
    found = rows(pipeline.conninfo, "select object_type, object_id, reason from ops.reconciliation")
    return {(kind, object_id): reason for kind, object_id, reason in found}


def shown(event: Event) -> tuple[Any, ...]:
    """What an event tells of the object's life and worth; comparisons look at all of it, and at more."""
    state = event.state
    if event.kind == "subscription":
        items = {(item.id, item.price, item.quantity, frozenset(item.discounts)) for item in state.items}
        leaving = (state.cancel_at_period_end, state.canceled_at, state.ended_at)
        return state.status, state.items[0].period_end, items, frozenset(state.discounts), state.pause, leaving
    if event.kind == "invoice":
        amounts = (state.total, state.amount_due, state.amount_paid, state.ending_balance)
        return state.status, amounts, [(line.id, line.amount) for line in state.lines]
    return state.is_paid, state.amount_refunded


def what_is_lost(
    events: Iterable[Event], hidden: set[str], until: datetime
) -> dict[tuple[str, str], tuple[Event | None, Event]]:
    """The objects of which the last visible event tells something else than their last one, and these two events."""
    last: dict[tuple[str, str], Event] = {}
    last_visible: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.kind in COMPARED and event.at < until.timestamp():
            key = (event.kind, event.state.id)
            last[key] = event
            if event.id not in hidden:
                last_visible[key] = event
    return {
        key: (last_visible.get(key), event)
        for key, event in last.items()
        if key not in last_visible or shown(last_visible[key]) != shown(event)
    }


def fault(url: str, name: str, **form: Any) -> dict[str, Any]:
    answer = httpx.post(f"{url}/_sim/faults", json={"name": name, **form})
    answer.raise_for_status()
    return answer.json()


@pytest.fixture(scope="module")
def troubled(postgres: PostgresServer) -> Iterator[Troubled]:
    """Five days with all faults on, read day by day, each day shortly after something happened."""
    conninfo = postgres.create_warehouse()
    company = Company(18, int(FOUNDED.timestamp()), customers=150, months=4)
    # what happens on the way is told in both shapes
    upgraded_at = (NOW + timedelta(days=DAYS) / 2).timestamp()
    clock = Clock(NOW.timestamp(), frozen=True)
    with serve_in_thread(create_app(company, clock, rate_limit=0, upgraded_at=upgraded_at)) as url:
        pipeline = Pipeline(conninfo, url)
        pipeline.events()
        pipeline.backfill(FOUNDED)
        pipeline.enrich()
        assert {answer.describe().rpartition(": ")[2] for answer in pipeline.reconcile()} == {"no difference"}

        company.ensure(END.timestamp())
        ahead = [event for event in company.events if NOW.timestamp() < event.at < END.timestamp()]
        fault(url, "late", count=len(ahead), seconds=LATE.total_seconds())
        # every third object of each kind loses all that these days told of it
        taken = [event for event in ahead if event.kind in COMPARED and int(event.state.id.encode().hex(), 16) % 3 == 0]
        dropped = {event.id for event in taken}
        fault(url, "dropped", ids=sorted(dropped))
        for day in range(1, DAYS + 1):
            fault(url, "duplicate", count=2)
            fault(url, "rate_limit", count=1, reasons=["endpoint-rate", "global-concurrency", "lock_timeout"])
            fault(url, "slow", count=1, seconds=0.2)
            fault(url, "cut", count=1)
            latest = [event.at for event in ahead if event.at < (NOW + timedelta(days=day)).timestamp()][-1]
            now = datetime.fromtimestamp(latest, UTC) + LATE / 2
            httpx.post(f"{url}/_sim/clock", json={"now": now.isoformat()}).raise_for_status()
            pipeline.events()
        # when nothing is late any more
        httpx.post(f"{url}/_sim/clock", json={"now": END.isoformat()}).raise_for_status()
        pipeline.events()
        pipeline.load()
        throttled = httpx.get(f"{url}/_sim/stats").json()["traffic"]["rate_limited"]
        through = pipeline.watermark()
        lost = what_is_lost(company.events, dropped, through)
        visible = {event.id for event in company.events if NOW.timestamp() <= event.at < through.timestamp()} - dropped
        yield Troubled(pipeline, visible, lost, {(event.kind, event.state.id) for event in taken}, throttled)
    postgres.drop_database(conninfo)


def test_late_repeated_refused_slow_and_broken_answers_lose_nothing(troubled: Troubled) -> None:
    assert troubled.throttled == 3 * DAYS
    everything = "select event_id from raw.event where created_at >= %s"
    assert {event_id for (event_id,) in rows(troubled.pipeline.conninfo, everything, [NOW])} == troubled.visible


@pytest.mark.parametrize("name", ["items", "discounts", "pause"])
def test_the_faults_take_what_changes_nothing_but_mrr(troubled: Troubled, name: str) -> None:
    lost = [
        (read.state, last.state)
        for (kind, _), (read, last) in troubled.lost.items()
        if kind == "subscription" and read is not None
    ]
    assert any(getattr(read, name) != getattr(last, name) for read, last in lost if read.status == last.status)


def test_each_lost_update_is_found_by_name_healed_and_the_books_agree_again(troubled: Troubled) -> None:
    pipeline = troubled.pipeline
    expected = {key: STALE if read else NEVER_SEEN for key, (read, _) in troubled.lost.items()}
    assert {kind for kind, _ in expected} == set(COMPARED)
    assert set(expected.values()) == {STALE, NEVER_SEEN}

    answers = pipeline.reconcile()
    found = differences(pipeline)
    assert found.items() >= expected.items()
    assert found.keys() <= troubled.touched
    # an object that two lists show counts once
    assert sum(sum(answer.reasons.values()) for answer in answers) == len(found)
    assert set(found.values()) == {STALE, NEVER_SEEN}

    pipeline.enrich()
    assert {str(answer.reasons) for answer in pipeline.reconcile()} == {"{}"}
    assert differences(pipeline) == found
    assert_marts_equal_books(pipeline, until=pipeline.watermark())
