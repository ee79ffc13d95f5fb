"""History from before the events, rebuilt from lists, against what reading every event since the founding gives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from simulator.app import create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread
from tests.conftest import PostgresServer
from tests.end_to_end.pipeline import Pipeline

FOUNDED = datetime(2025, 1, 15, tzinfo=UTC)
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
# Stripe keeps events for 30 days: before that the late warehouse knows lists only.
EVENTS_FROM = NOW - timedelta(days=30)
MONTHS = [datetime(2025 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, 13)]

STATUSES = """
    select subscription_id, at, status
    from dwh.subscription_dim
    inner join unnest(%s::timestamptz[]) as month (at) on valid_from <= at and coalesce(valid_to, 'infinity') > at
"""
ITEMS = """
    select
        subscription_item_id, at, subscription_id, price_id, quantity, unit_amount_minor, interval_unit,
        interval_count, product_id, currency
    from dwh.subscription_item_dim
    inner join unnest(%s::timestamptz[]) as month (at)
        on valid_from <= at and coalesce(valid_to, 'infinity') > at and coalesce(deleted_at, 'infinity') > at
"""


def states(conninfo: str, query: str) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    """(id, start of a month) -> the rest of the row."""
    with psycopg.connect(conninfo) as connection:
        return {(row[0], row[1].astimezone(UTC)): row[2:] for row in connection.execute(query, [MONTHS])}


@pytest.fixture(scope="module")
def warehouses(postgres: PostgresServer) -> Iterator[tuple[str, str]]:
    """(one that read all events as they came, one that began at the end): both of the same company."""
    company = Company(11, int(FOUNDED.timestamp()), customers=150, months=13)
    clock = Clock(parse_instant((FOUNDED + timedelta(days=25)).isoformat()), frozen=True)
    always, late = postgres.create_warehouse(), postgres.create_warehouse()
    with serve_in_thread(create_app(company, clock, rate_limit=0)) as url:
        now = FOUNDED
        while now < NOW:
            now = min(now + timedelta(days=25), NOW)
            httpx.post(f"{url}/_sim/clock", json={"now": now.isoformat()}).raise_for_status()
            Pipeline(always, url).events(timedelta(days=31))
        # of many items, events show only the first
        Pipeline(always, url).enrich()
        begun = Pipeline(late, url)
        begun.events(timedelta(days=31))
        begun.load()
        begun.backfill(FOUNDED)
        # lists leave out what lives by a test clock: its invoices name it
        begun.enrich()
    yield always, late
    postgres.drop_database(always)
    postgres.drop_database(late)


def differences(
    warehouses: tuple[str, str], query: str
) -> tuple[int, dict[tuple[str, datetime], tuple[tuple[Any, ...], tuple[Any, ...]]]]:
    """How many (object, month) both know, and those of which the late warehouse says something else."""
    always, late = (states(conninfo, query) for conninfo in warehouses)
    assert always.keys() == late.keys()
    return len(always), {key: (always[key], late[key]) for key in always if always[key] != late[key]}


def test_statuses_differ_only_where_a_subscription_was_left_unpaid_or_paused(warehouses: tuple[str, str]) -> None:
    compared, found = differences(warehouses, STATUSES)
    assert compared > 400
    # Nothing that remains says when Stripe gave up retrying: until its end such a subscription shows as past due.
    # Nor does anything tell of a pause that was over before the first event.
    assert set(found.values()) <= {(("unpaid",), ("past_due",)), (("paused",), ("active",))}
    assert len(found) <= compared // 100


def test_items_differ_only_where_no_invoice_has_told_of_a_change_yet(warehouses: tuple[str, str]) -> None:
    compared, found = differences(warehouses, ITEMS)
    assert compared > 450
    assert len(found) <= compared // 50
    with psycopg.connect(warehouses[1]) as connection:
        for (item_id, _), (true, told) in found.items():
            price_id, quantity = true[1:3]
            # it is on the next invoice, which on a yearly plan may be a year away
            lines = connection.execute(
                "select 1 from dwh.invoice_line_fact "
                "where subscription_item_id = %s and price_id = %s and quantity = %s",
                [item_id, price_id, quantity],
            ).fetchall()
            assert lines == []
            assert told[4:6] == ("year", 1)


def test_a_past_that_was_rebuilt_says_so(warehouses: tuple[str, str]) -> None:
    always, late = warehouses
    count = """
        select
            count(*) filter (where is_reconstructed and valid_from >= observed_from),
            count(*) filter (where not is_reconstructed and valid_from < observed_from - interval '2 seconds'),
            count(*) filter (where is_reconstructed)
        from dwh.{}
    """
    for table in ("subscription_dim", "subscription_item_dim"):
        with psycopg.connect(late) as connection:
            row = connection.execute(sql.SQL(count).format(sql.SQL(table))).fetchone()
        assert row is not None
        assert row[:2] == (0, 0)
        assert row[2] > 100
        with psycopg.connect(always) as connection:
            row = connection.execute(sql.SQL(count).format(sql.SQL(table))).fetchone()
        assert row is not None
        assert row[2] == 0


MRR = """
    select customer_id || currency, at, sum(mrr_change_minor)
    from dwh.mrr_change_fact
    inner join unnest(%s::timestamptz[]) as month (at) on changed_at < at
    group by customer_id, currency, at
"""


def test_mrr_of_the_past_differs_for_few_customers_and_by_little(warehouses: tuple[str, str]) -> None:
    always, late = (states(conninfo, MRR) for conninfo in warehouses)
    nothing = (Decimal(0),)
    pairs = {key: (always.get(key, nothing)[0], late.get(key, nothing)[0]) for key in always.keys() | late.keys()}
    assert len(pairs) > 300
    # What nothing that remains tells: that a subscription was left unpaid and not only past due, a pause or a discount
    # that was over before the first event, a change on a yearly plan that no invoice has charged yet.
    wrong = [pair for pair in pairs.values() if pair[0] != pair[1]]
    assert len(wrong) <= len(pairs) // 20
    assert sum(abs(true - told) for true, told in wrong) <= sum(true for true, _ in pairs.values()) / 50
