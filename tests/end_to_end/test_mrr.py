"""The ledger of MRR against the company's own books, exact: every day, every currency, every customer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import httpx
import psycopg
import pytest

from simulator.app import create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread
from tests.conftest import PostgresServer
from tests.end_to_end.books import books
from tests.end_to_end.pipeline import Pipeline

FOUNDED = datetime(2025, 1, 15, tzinfo=UTC)
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
ROUNDING = Decimal("0.000001")
"""Minor units. The ledger keeps ten decimals of each item; the books are exact fractions."""

DAILY = """
    select changes.currency, to_char(day, 'YYYY-MM-DD'), sum(changes.mrr_change_minor), sum(changes.paused_change_minor)
    from generate_series(%s::timestamptz, %s::timestamptz, interval '1 day') as calendar (day)
    inner join dwh.mrr_change_fact as changes on changes.changed_at < day + interval '1 day'
    group by changes.currency, day
"""


@pytest.fixture(scope="module")
def watched(postgres: PostgresServer) -> Iterator[Pipeline]:
    """A warehouse that has read every event of eighteen months as it came."""
    company = Company(11, int(FOUNDED.timestamp()), customers=150, months=18)
    clock = Clock(parse_instant((FOUNDED + timedelta(days=25)).isoformat()), frozen=True)
    conninfo = postgres.create_warehouse()
    with serve_in_thread(create_app(company, clock, rate_limit=0)) as url:
        pipeline = Pipeline(conninfo, url)
        now = FOUNDED
        while now < NOW:
            now = min(now + timedelta(days=25), NOW)
            httpx.post(f"{url}/_sim/clock", json={"now": now.isoformat()}).raise_for_status()
            pipeline.events(timedelta(days=31))
        pipeline.enrich()
        yield pipeline
    postgres.drop_database(conninfo)


def test_mrr_equals_the_books_on_every_day_in_every_currency(watched: Pipeline) -> None:
    expected = {
        (row["currency"], row["day"]): (Fraction(row["mrr_minor"]), Fraction(row["paused_minor"]))
        for row in books(watched.api_base, "mrr/daily")
    }
    with psycopg.connect(watched.conninfo) as connection:
        found = {
            (currency, day): (mrr, paused)
            for currency, day, mrr, paused in connection.execute(DAILY, [FOUNDED, NOW - timedelta(days=1)]).fetchall()
        }
    wrong = {
        key: (found.get(key), tuple(map(float, value)))
        for key, value in expected.items()
        if any(abs(ours - theirs) > ROUNDING for ours, theirs in zip(map(Fraction, found.get(key, (0, 0))), value))
    }
    assert len(expected) > 1000
    assert wrong == {}
