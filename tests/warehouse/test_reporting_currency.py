"""Amounts in the reporting currency: which one that is, which rate counts, and what is not made up."""

from decimal import Decimal

import psycopg
import pytest

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

pytestmark = pytest.mark.either_version


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


def file_rates(connection: psycopg.Connection, *rows: tuple[str, str, str, str]) -> None:
    """Loads a file of rates: (day, from, to, rate)."""
    names = ("date", "from_currency", "to_currency", "rate")
    payloads = [dict(zip(names, row, strict=True)) for row in rows]
    stage_rows(
        connection,
        [StoredRow(moment("2026-03-01"), "fx_rate", payload, line) for line, payload in enumerate(payloads, 2)],
    )
    apply_models(connection, SQL_ROOT)


@pytest.mark.parametrize(
    ("days", "day", "expected"),
    [
        (31, "2026-01-11", 700),  # before the file's first day
        (31, "2026-01-12", 900),
        (31, "2026-01-20", 900),  # Stripe's of that day does not count
        (31, "2026-02-11", 900),  # the last of 31 days
        (31, "2026-02-12", 800),  # Stripe's of January 20 is newer
        (5, "2026-01-19", 900),  # over, but Stripe's of January 10 is older
        (5, "2026-01-20", 800),
        (1, "2026-01-25", 850),  # of one day the file's
        (1, "2026-01-31", 850),
        (0, "2026-01-12", 900),
        (0, "2026-01-20", 800),
        (0, "2026-01-25", 810),
    ],
)
def test_the_rate_of_a_file_counts_first_for_as_many_days_as_policy_says(
    rates: psycopg.Connection, days: int, day: str, expected: int
) -> None:
    rates.execute("update ops.policy set value = %s where name = 'fx_file_rate_days'", [str(days)])
    rates.commit()
    file_rates(rates, ("2026-01-12", "jpy", "usd", "0.009"))
    if days < 5:
        stage(rates, converted(6, "2026-01-25", "jpy", "usd", 0.81))
        file_rates(rates, ("2026-01-25", "jpy", "usd", "0.0085"))
    assert worth(rates, 1000, "jpy", day) == expected


def test_a_file_gives_rates_where_nobody_exchanged_either_way_round(rates: psycopg.Connection) -> None:
    file_rates(rates, ("2026-01-05", "gbp", "usd", "1.25"), ("2026-01-05", "usd", "chf", "0.8"))
    assert [worth(rates, 1000, currency, "2026-01-06") for currency in ("gbp", "chf", "cad")] == [1250, 1250, None]


def test_the_view_follows_the_file_day_by_day_and_says_where_a_rate_is_from(rates: psycopg.Connection) -> None:
    file_rates(rates, ("2026-01-05", "jpy", "usd", "0.009"), ("2049-12-31", "jpy", "usd", "0.001"))
    rates.execute("update ops.policy set value = '8' where name = 'fx_file_rate_days'")
    rates.commit()
    refresh_marts(rates, SQL_ROOT)
    query = """
        select source_type, rate_date::text, min(day)::text, max(day)::text,
            bool_and(rate = dwh.in_reporting_currency(1, currency, day))
        from mart.reporting_rate_daily
        where currency = 'jpy' and (day < '2026-02-01' or day > '2049-12-01')
        group by source_type, rate_date
        order by rate_date
    """
    assert rates.execute(query).fetchall() == [
        ("file", "2026-01-05", "2026-01-05", "2026-01-12", True),
        ("balance_transaction", "2026-01-10", "2026-01-13", "2026-01-19", True),
        ("balance_transaction", "2026-01-20", "2026-01-20", "2049-12-30", True),
        ("file", "2049-12-31", "2049-12-31", "2049-12-31", True),
    ]


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


def test_what_was_exchanged_in_test_mode_is_no_rate_for_live_money(rates: psycopg.Connection) -> None:
    rates.execute(
        """
        create temp table of_live as select * from dwh.fx_rate_fact where from_currency = 'jpy' limit 1;
        update of_live set livemode = true, rate = 0.5, rate_date = '2026-01-05', fx_rate_sk = fx_rate_sk + 1;
        insert into dwh.fx_rate_fact select * from of_live
        """
    )
    assert worth(rates, 1000, "jpy", "2026-01-08") is None
    rates.execute("update ops.policy set value = 'live' where name = 'reported_modes'")
    assert worth(rates, 1000, "jpy", "2026-01-08") == worth(rates, 1000, "jpy", "2026-01-20")
