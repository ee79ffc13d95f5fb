"""Reconciliation while events become visible late: nothing of what is only on its way is taken for lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.server import serve_in_thread
from tests.conftest import PostgresServer
from tests.end_to_end.books import rows
from tests.end_to_end.pipeline import LAG, Pipeline

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
# so young that its events tell all of its life
FOUNDED = NOW - timedelta(days=27)


@dataclass(frozen=True)
class Late:
    """A company whose events become visible late from NOW on, and a warehouse that has read all before."""

    pipeline: Pipeline
    company: Company

    def second_of_a_charge(self) -> datetime:
        """When some charge of the days that follow succeeds."""
        self.company.ensure((NOW + timedelta(days=3)).timestamp())
        charges = (event.at for event in self.company.events if event.kind == "charge" and event.at > NOW.timestamp())
        return datetime.fromtimestamp(next(charges), UTC)

    def delay(self, lateness: timedelta) -> None:
        form = {"name": "late", "count": 10_000, "seconds": lateness.total_seconds()}
        httpx.post(f"{self.pipeline.api_base}/_sim/faults", json=form).raise_for_status()

    def move_to(self, moment: datetime) -> None:
        httpx.post(f"{self.pipeline.api_base}/_sim/clock", json={"now": moment.isoformat()}).raise_for_status()

    def reasons(self) -> set[str]:
        return {reason for (reason,) in rows(self.pipeline.conninfo, "select distinct reason from ops.reconciliation")}


@pytest.fixture
def late(postgres: PostgresServer) -> Iterator[Late]:
    conninfo = postgres.create_warehouse()
    company = Company(23, int(FOUNDED.timestamp()), customers=60, months=1)
    with serve_in_thread(create_app(company, Clock(NOW.timestamp(), frozen=True), rate_limit=0)) as url:
        pipeline = Pipeline(conninfo, url)
        pipeline.events()
        pipeline.enrich()
        yield Late(pipeline, company)
    postgres.drop_database(conninfo)


def test_an_event_that_becomes_visible_behind_the_watermark_is_later_than_the_lag(late: Late) -> None:
    at = late.second_of_a_charge()
    late.delay(LAG * 1.5)
    late.move_to(at + LAG + timedelta(seconds=5))
    late.pipeline.events()
    late.pipeline.load()
    assert late.pipeline.watermark() > at
    late.move_to(at + LAG * 2)
    late.pipeline.reconcile()
    assert late.reasons() == {"later_than_lag"}


def test_a_change_whose_event_is_visible_after_the_list_is_later_than_the_lag(
    late: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = late.second_of_a_charge()
    late.delay(LAG / 2)
    late.move_to(at + timedelta(seconds=1))
    late.pipeline.events()
    late.pipeline.load()
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        late.move_to(at + LAG)

    monkeypatch.setattr("tallyhouse.reconcile._pause", wait)
    late.pipeline.reconcile(settle=LAG)
    assert waited
    assert late.reasons() == {"later_than_lag"}
