"""Amounts in the reporting currency: which one that is, which rate counts, and what is not made up."""

from decimal import Decimal

import psycopg
import pytest

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage


def converted(number: int, day: str, currency: str, into: str, rate: float) -> list[Version]:
    """A charge of 1,000 minor units, and what it became."""
    at = moment(day)
    created = int(at.timestamp())
    charge = {"object": "charge", "id": f"ch_{number}", "amount": 1000, "currency": currency, "status": "succeeded"}
    moved = {"object": "balance_transaction", "id": f"txn_{number}", "amount": round(1000 * rate), "currency": into}
    moved |= {"fee": 0, "net": round(1000 * rate), "exchange_rate": rate, "type": "charge", "source": f"ch_{number}"}
    return [
        Version(at, "charge.succeeded", {**charge, "created": created}),
        Version(at, None, {**moved, "created": created}),
    ]


@pytest.fixture
def rates(connection: psycopg.Connection) -> psycopg.Connection:
    """Yen and dinars into dollars, dollars into euros; two rates of the yen in one day."""
    stage(
        connection,
        [
            *converted(1, "2026-01-10", "jpy", "usd", 0.6),
            *converted(2, "2026-01-10T15:00:00", "jpy", "usd", 0.7),
            *converted(3, "2026-01-20", "jpy", "usd", 0.8),
            *converted(4, "2026-01-10", "kwd", "usd", 0.325),
            *converted(5, "2026-01-10", "usd", "eur", 0.8),
        ],
    )
    connection.execute("update ops.policy set value = 'usd' where name = 'reporting_currency'")
    connection.commit()
    apply_models(connection, SQL_ROOT)
    return connection


def worth(connection: psycopg.Connection, amount: int, currency: str, day: str) -> Decimal | None:
    row = connection.execute("select dwh.in_reporting_currency(%s, %s, %s::date)", [amount, currency, day]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("currency", "day", "expected"),
    [
        ("usd", "2001-01-01", 1000),
        ("jpy", "2026-01-09", None),  # before the first rate
        ("jpy", "2026-01-10", 700),  # the last of the day
        ("jpy", "2026-01-19", 700),
        ("jpy", "2026-01-20", 800),
        ("JPY", "2027-01-01", 800),
        ("kwd", "2026-02-01", 325),  # three decimals
        ("eur", "2026-02-01", 1250),  # the other way round
        ("gbp", "2026-02-01", None),
    ],
)
def test_the_last_rate_on_or_before_the_day_counts(
    rates: psycopg.Connection, currency: str, day: str, expected: int | None
) -> None:
    assert worth(rates, 1000, currency, day) == expected


def test_every_day_of_the_view_says_what_the_function_says(rates: psycopg.Connection) -> None:
    refresh_marts(rates, SQL_ROOT)
    query = """
        select count(*), count(distinct currency), bool_and(rate = dwh.in_reporting_currency(1, currency, day))
        from mart.reporting_rate_daily
        where day between '2026-01-01' and '2026-01-25'
    """
    assert rates.execute(query).fetchone() == (25 + 3 * 16, 4, True)


def test_without_a_choice_it_is_the_currency_of_payouts_else_of_the_balance(rates: psycopg.Connection) -> None:
    rates.execute("update ops.policy set value = '' where name = 'reporting_currency'")
    assert rates.execute("select ops.reporting_currency()").fetchone() == ("usd",)
    at = moment("2026-02-01")
    payout = {"object": "payout", "id": "po_1", "amount": 1, "currency": "eur", "created": int(at.timestamp())}
    rates.commit()
    stage(rates, [Version(at, "payout.created", payout)])
    apply_models(rates, SQL_ROOT)
    assert rates.execute("select ops.reporting_currency()").fetchone() == ("eur",)
    assert worth(rates, 1000, "usd", "2026-02-01") == 800
