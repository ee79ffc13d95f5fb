"""The calendar, the currencies, and how far the data reaches."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.warehouse.raw_rows import moment


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_the_calendar_has_every_day_of_fifty_years_once(good: psycopg.Connection) -> None:
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range((date(2050, 1, 1) - date(2000, 1, 1)).days)]
    found = rows(good, "select day, date_sk from dwh.date_dim order by day")
    assert found == [(day, day.year * 10_000 + day.month * 100 + day.day) for day in days]


def test_every_day_is_described_as_python_describes_it(good: psycopg.Connection) -> None:
    query = """
        select
            day, year, quarter, month, day_of_month, iso_year, iso_week, iso_weekday, is_weekend, month_start, month_end
        from dwh.date_dim
    """
    for day, *described in rows(good, query):
        iso = day.isocalendar()
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        assert described == [
            day.year,
            (day.month + 2) // 3,
            day.month,
            day.day,
            iso.year,
            iso.week,
            iso.weekday,
            iso.weekday >= 6,
            first,
            last,
        ], day


ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD JOD KWD OMR TND"


def test_currencies_have_the_decimals_of_stripe_s_wire(good: psycopg.Connection) -> None:
    found = dict(rows(good, "select currency, exponent from dwh.currency_dim"))
    assert {currency for currency, exponent in found.items() if exponent == 0} == set(ZERO_DECIMALS.lower().split())
    assert {currency for currency, exponent in found.items() if exponent == 3} == set(THREE_DECIMALS.lower().split())
    assert set(found.values()) == {0, 2, 3}
    assert len(found) > 130


@pytest.mark.parametrize(
    ("currency", "exponent", "why"),
    [
        ("usd", 2, "cents"),
        ("eur", 2, "cents"),
        ("jpy", 0, "no smaller unit"),
        ("kwd", 3, "fils"),
        ("isk", 2, "two on the wire, though ISO has none"),
        ("huf", 2, "two for charges"),
        ("twd", 2, "two for charges"),
        ("ang", 2, "withdrawn in 2025"),
        ("xcg", 2, "took the place of ang"),
        ("mro", 2, "withdrawn in 2018; never among those without decimals"),
        ("hrk", 2, "withdrawn in 2023"),
    ],
)
def test_a_currency_has_its_exponent(currency: str, exponent: int, why: str, good: psycopg.Connection) -> None:
    assert (currency, exponent) in rows(good, "select currency, exponent from dwh.currency_dim"), why


def add_batch(connection: psycopg.Connection, account: str, source: str, asked_to: str, livemode: bool = False) -> None:
    connection.execute(
        """
        insert into ops.batch (account_id, livemode, source, run_id, started_at, asked_to)
        values (%s, %s, %s, 'test', now(), %s)
        """,
        [account, livemode, source, moment(asked_to)],
    )


def freshness(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return rows(connection, "select account_id, livemode, data_through from mart.freshness order by 1, 2")


def test_nothing_fetched_reaches_nowhere(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        assert freshness(connection) == []


def test_without_events_the_newest_list_tells_how_far_the_data_reaches_once_a_load_has_it(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        add_batch(connection, "acct_1", "list", "2026-03-01")
        add_batch(connection, "acct_1", "list", "2026-02-01")
        assert freshness(connection) == []
        connection.execute("select ops.release_batches()")
        assert freshness(connection) == [("acct_1", False, moment("2026-03-01"))]


def test_windows_that_wait_take_nothing_back_of_what_is_loaded(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        for asked_from, asked_to, is_loaded in (
            ("2026-03-01T00:00:00", "2026-03-02T00:01:00", True),
            ("2026-03-01T23:56:00", "2026-03-02T01:00:00", True),
            # each begins five minutes before the end of the one before
            ("2026-03-02T00:55:00", "2026-03-02T02:00:00", False),
            ("2026-03-02T01:55:00", "2026-03-02T03:00:00", False),
        ):
            connection.execute(
                """
                with batch as (
                    insert into ops.batch (
                        account_id, livemode, source, run_id, started_at, asked_from, asked_to, released_at
                    )
                    values ('acct_1', false, 'events', 'test', now(), %s, %s, case when %s then now() end)
                    returning batch_id
                )

                insert into ops.batch_applied (model, batch_id, object_count, row_count)
                select 'transaction_fact', batch_id, 0, 0 from batch where %s
                """,
                [moment(asked_from), moment(asked_to), is_loaded, is_loaded],
            )
        connection.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) values ('acct_1', false, 'events', %s)",
            [moment("2026-03-02T03:00:00")],
        )
        assert freshness(connection) == [("acct_1", False, moment("2026-03-02T01:00:00"))]


def test_with_events_their_watermark_tells_even_if_a_list_is_newer(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        add_batch(connection, "acct_1", "list", "2026-03-05")
        add_batch(connection, "acct_1", "events", "2026-03-02")
        connection.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) values ('acct_1', false, 'events', %s)",
            [moment("2026-03-01")],
        )
        connection.execute("select ops.release_batches()")
        assert freshness(connection) == [("acct_1", False, moment("2026-03-01"))]


def test_each_account_and_mode_has_its_own_reach(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        add_batch(connection, "acct_1", "list", "2026-03-01")
        add_batch(connection, "acct_1", "list", "2026-03-02", livemode=True)
        add_batch(connection, "acct_2", "list", "2026-03-03")
        connection.execute("select ops.release_batches()")
        assert [(account, livemode, at.day) for account, livemode, at in freshness(connection)] == [
            ("acct_1", False, 1),
            ("acct_1", True, 2),
            ("acct_2", False, 3),
        ]
