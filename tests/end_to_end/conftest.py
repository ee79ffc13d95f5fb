"""A simulated company behind real HTTP, its clock stopped until a test moves it, and warehouses that have read it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.instance import simulator_thread
from simulator.server import serve_in_thread
from tests.conftest import PostgresServer
from tests.end_to_end.pipeline import Pipeline

FOUNDED = "2025-01-15T00:00:00Z"
NOW = "2026-07-10T12:00:00Z"

SETTLED_FOUNDED = datetime(2025, 7, 15, tzinfo=UTC)
SETTLED_NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

WATCHED_FOUNDED = datetime(2025, 1, 15, tzinfo=UTC)
WATCHED_NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.fixture
def company_url() -> Iterator[str]:
    """Eighteen months of 250 customers; a server of its own for each test, since tests move its clock."""
    company = Company(7, int(parse_instant(FOUNDED)), customers=250, months=18)
    with serve_in_thread(create_app(company, Clock(parse_instant(NOW), frozen=True), rate_limit=0)) as url:
        yield url


@pytest.fixture(scope="package")
def settled(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A warehouse that has read all of eight months of 250 customers: for tests that only look, or stage nothing new.

    The account's API version changed inside the time of which there are events.
    """
    conninfo = postgres.create_warehouse()
    founded, now = SETTLED_FOUNDED.isoformat(), SETTLED_NOW.isoformat()
    with simulator_thread(now=now, founded=founded, customers=250, months=8) as url:
        pipeline = Pipeline(conninfo, url)
        pipeline.events()
        pipeline.backfill(SETTLED_FOUNDED)
        pipeline.files(tmp_path_factory.mktemp("files"))
        pipeline.enrich()
        yield pipeline
    postgres.drop_database(conninfo)


@pytest.fixture(scope="package")
def read_as_it_came(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A warehouse that has read every event of eighteen months as it came, and the files of exchange rates.

    For tests that only look: nothing of its past had to be told from lists.
    """
    company = Company(11, int(WATCHED_FOUNDED.timestamp()), customers=150, months=18)
    clock = Clock(parse_instant((WATCHED_FOUNDED + timedelta(days=25)).isoformat()), frozen=True)
    conninfo = postgres.create_warehouse()
    with serve_in_thread(create_app(company, clock, rate_limit=0)) as url:
        pipeline = Pipeline(conninfo, url)
        now = WATCHED_FOUNDED
        while now < WATCHED_NOW:
            now = min(now + timedelta(days=25), WATCHED_NOW)
            httpx.post(f"{url}/_sim/clock", json={"now": now.isoformat()}).raise_for_status()
            pipeline.events(timedelta(days=31))
        pipeline.files(tmp_path_factory.mktemp("files"))
        pipeline.enrich()
        yield pipeline
    postgres.drop_database(conninfo)
