"""The report queries, each run as it is in its file, on rows whose answer is known; and what Redshift would be told."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlglot
from psycopg import sql
from psycopg.rows import dict_row
from sqlglot import exp

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

REPORTS = sorted((SQL_ROOT / "reports").glob("*.sql"))
GIVEN_SCHEMA = {"user_first_install_fact", "client_dim", "channel_dim"}
"""What may be elsewhere too, on Redshift: reports of these alone are in SQL that both understand."""


@pytest.fixture
def connection(each_warehouse: str) -> Any:
    """A warehouse on every supported version, in the session time zone of an operator far away."""
    with psycopg.connect(each_warehouse) as opened:
        yield opened


def ask(connection: psycopg.Connection, report: str, **asked: str) -> list[dict[str, Any]]:
    """Runs a report, with the literals of its parameters replaced as a person would replace them in the file."""
    text = (SQL_ROOT / "reports" / f"{report}.sql").read_text()
    for name, literal in asked.items():
        text, times = re.subn(
            rf"(date '[\d-]+'|'[^']*'|\d+|current_date - 1) as {name}\b", f"{literal} as {name}", text
        )
        assert times == 1, f"{report} has {name} at {times} places"
    return connection.cursor(row_factory=dict_row).execute(sql.SQL(text)).fetchall()


def install(user: str, number: int, at: str, channel: str = "search", os_name: str = "Android") -> StoredRow:
    payload = {
        "user_id": user,
        "install_id": f"i{number}",
        "installed_at": at,
        "os_name": os_name,
        "channel_name": channel,
    }
    return StoredRow(moment("2026-01-01"), "install", payload, line=number)


def spend(channel: str, currency: str, amount: str, line: int, day: str = "2026-01-05") -> StoredRow:
    payload = {"day": day, "channel_name": channel, "currency": currency, "spend": amount}
    return StoredRow(moment("2026-01-01"), "ad_spend", payload, line=line)


def fx_rate(day: str, sold: str, bought: str, rate: str, line: int) -> StoredRow:
    payload = {"date": day, "from_currency": sold, "to_currency": bought, "rate": rate}
    return StoredRow(moment("2026-01-01"), "fx_rate", payload, line=line)


def customer(customer_id: str, user_id: str) -> Version:
    body = {"object": "customer", "id": customer_id, "metadata": {"user_id": user_id}}
    return Version(moment("2026-01-01"), "customer.created", body)


def paid(number: int, customer_id: str, amount: int, day: str, currency: str = "usd") -> Version:
    at = moment(day)
    body = {
        "object": "charge",
        "id": f"ch_{number}",
        "customer": customer_id,
        "currency": currency,
        "amount": amount,
        "status": "succeeded",
        "created": int(at.timestamp()),
    }
    return Version(at, "charge.succeeded", body)


def load(connection: psycopg.Connection, *rows: StoredRow | Version, through: str = "2026-05-01") -> None:
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', %s)",
        [ACCOUNT, moment(through)],
    )
    connection.commit()
    if versions := [row for row in rows if isinstance(row, Version)]:
        stage(connection, versions)
    if stored := [row for row in rows if isinstance(row, StoredRow)]:
        stage_rows(connection, stored)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)


# Of four customers of January one pays in each month, one comes back in March, one joins in February.
PAYMENTS = [
    *(paid(month, "cus_1", 1000, f"2026-0{month}-03") for month in (1, 2, 3, 4)),
    *(paid(10 + month, "cus_2", 500, f"2026-0{month}-03") for month in (1, 3)),
    paid(20, "cus_3", 500, "2026-01-05"),
    paid(21, "cus_4", 500, "2026-01-05"),
    paid(22, "cus_5", 2000, "2026-02-05"),
]


def test_duplicated_installs_yesterday(connection: psycopg.Connection) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # the report's "yesterday" is that of the session
    connection.execute("set timezone = 'UTC'")
    yesterday = [(today - timedelta(days=1) + timedelta(hours=hour)).isoformat() for hour in (0, 5, 23)]
    load(
        connection,
        install("twice", 1, yesterday[0]),
        install("twice", 2, yesterday[2]),
        install("once", 3, yesterday[1]),
        install("over midnight", 4, yesterday[2]),
        install("over midnight", 5, today.isoformat()),
        install("before", 6, (today - timedelta(days=2)).isoformat()),
        install("before", 7, (today - timedelta(days=2)).isoformat()),
    )
    found = ask(connection, "duplicated_installs_yesterday")
    assert [(row["user_id"], row["installs"]) for row in found] == [("twice", 2)]


def test_duplicated_installs_of_another_day(connection: psycopg.Connection) -> None:
    load(connection, install("u", 1, "2026-01-02T00:00:00Z"), install("u", 2, "2026-01-02T23:59:59Z"))
    found = ask(connection, "duplicated_installs_yesterday", day="date '2026-01-02'")
    assert [(row["user_id"], row["installs"]) for row in found] == [("u", 2)]


def test_top_channels_by_android_installs_have_ties_in_one_place(connection: psycopg.Connection) -> None:
    # installs on Android by channel; on iOS the last one has most
    counts = {"a": 5, "b": 4, "c": 4, "d": 3, "e": 1, "f": 1, "g": 0}
    rows = [(channel, os) for channel, count in counts.items() for os in ["android"] * count]
    rows += [("g", "iOS")] * 9
    load(connection, *(install(f"u{n}", n, "2026-01-02", channel, os) for n, (channel, os) in enumerate(rows, 2)))
    found = ask(connection, "top_channels_by_android_installs")
    assert [(row["place"], row["channel_name"], row["installs"]) for row in found] == [
        (1, "a", 5),
        (2, "b", 4),
        (2, "c", 4),
        (4, "d", 3),
        (5, "e", 1),
        (5, "f", 1),
    ]
    found = ask(connection, "top_channels_by_android_installs", os_name="'IOS'", places="1")
    assert [(row["channel_name"], row["installs"]) for row in found] == [("g", 9)]


def test_ad_spend_recovered(connection: psycopg.Connection) -> None:
    load(
        connection,
        *(customer(f"cus_{n}", f"u{n}") for n in (1, 2)),
        *(install(f"u{n}", n, "2026-01-02", channel) for n, channel in ((1, "search"), (2, "social"))),
        spend("search", "usd", "30", 3),
        spend("social", "usd", "10", 4),
        spend("social", "eur", "7", 5),
        spend("search", "usd", "99", 6, day="2026-02-01"),
        fx_rate("2026-01-01", "eur", "usd", "1.5", 7),
        # what comes back in a currency in which nothing was spent on the channel
        paid(30, "cus_1", 1000, "2026-04-05", currency="eur"),
        *PAYMENTS,
    )
    found = ask(connection, "ad_spend_recovered")
    assert [tuple(row.values())[1:] for row in found] == [
        ("eur", "social", 1, 700, 0, 0, None),
        ("eur", "all channels", 1, 700, 0, 0, None),
        ("usd", "search", 1, 3000, 4000, Decimal("1.3333"), date(2026, 3, 1)),
        ("usd", "social", 1, 1000, 1000, 1, date(2026, 3, 1)),
        ("usd", "all channels", 2, 4000, 5000, Decimal("1.2500"), None),
        ("all currencies", "search", 1, 3000, 5500, Decimal("1.8333"), date(2026, 3, 1)),
        ("all currencies", "social", 1, 2050, 1000, Decimal("0.4878"), None),
        ("all currencies", "all channels", 2, 5050, 6500, Decimal("1.2871"), None),
    ]


def test_ad_spend_recovered_is_unknown_over_all_currencies_without_a_rate(connection: psycopg.Connection) -> None:
    load(connection, install("u1", 1, "2026-01-02"), spend("search", "usd", "30", 2), spend("search", "eur", "7", 3))
    connection.execute("update ops.policy set value = 'usd' where name = 'reporting_currency'")
    connection.commit()
    refresh_marts(connection, SQL_ROOT)
    assert [tuple(row.values())[1:6] for row in ask(connection, "ad_spend_recovered")] == [
        ("eur", "search", 1, 700, 0),
        ("eur", "all channels", 1, 700, 0),
        ("usd", "search", 1, 3000, 0),
        ("usd", "all channels", 1, 3000, 0),
        ("all currencies", "search", 1, None, 0),
        ("all currencies", "all channels", 1, None, 0),
    ]


def test_user_lifetime_value_is_of_all_customers_that_a_user_is(connection: psycopg.Connection) -> None:
    load(connection, customer("cus_1", "u1"), customer("cus_2", "u1"), customer("cus_3", "u2"), *PAYMENTS)
    found = ask(connection, "user_lifetime_value", user_id="'u1'")
    assert [
        (row["currency"], row["payments"], row["lifetime_value_minor"], row["first_paid_at"], row["last_paid_at"])
        for row in found
    ] == [("usd", 6, 5000, moment("2026-01-03"), moment("2026-04-03"))]
    assert ask(connection, "user_lifetime_value", user_id="'nobody'") == []


def test_arpu_churn_ltv(connection: psycopg.Connection) -> None:
    load(connection, *PAYMENTS)
    found = ask(connection, "arpu_churn_ltv", to_month="date '2026-03-01'")
    assert [(row["month"], row["arpu"], row["churn_percent"], row["ltv"]) for row in found] == [
        (date(2026, 1, 1), Decimal("6.25"), None, None),
        (date(2026, 2, 1), Decimal("15.00"), Decimal("75.00"), Decimal("20.00")),
        (date(2026, 3, 1), Decimal("7.50"), Decimal("50.00"), Decimal("15.00")),
    ]


def test_amounts_have_the_decimals_of_their_currency(connection: psycopg.Connection) -> None:
    load(
        connection,
        *(paid(n, f"cus_{n}", 1000 + n, "2026-01-03", "jpy") for n in (1, 2)),
        *(paid(n, f"cus_{n}", 1000 + n, "2026-01-03", "kwd") for n in (3, 6)),
    )
    found = ask(connection, "arpu_churn_ltv", to_month="date '2026-01-01'")
    # 1,001.5 yen, and 1,004.5 fils
    assert [(row["currency"], str(row["arpu"])) for row in found] == [("jpy", "1002"), ("kwd", "1.005")]


def test_customers_back_from_january(connection: psycopg.Connection) -> None:
    load(connection, *PAYMENTS)
    found = ask(connection, "customers_back_from_month")
    assert [
        (row["month"].month, row["pool_customers"], row["customers_back"], row["share_back"], row["is_complete"])
        for row in found
    ] == [
        (2, 4, 1, Decimal("0.25"), True),
        (3, 4, 2, Decimal("0.5"), True),
        (4, 4, 1, Decimal("0.25"), True),
        (5, 4, 0, 0, False),
    ]


def test_new_retained_returning(connection: psycopg.Connection) -> None:
    load(connection, *PAYMENTS)
    found = ask(connection, "new_retained_returning", to_month="date '2026-04-01'")
    assert [tuple(row.values())[3:-1] for row in found] == [
        (date(2026, 1, 1), 4, 4, 0, 0, 0),
        (date(2026, 2, 1), 2, 1, 1, 0, 3),
        (date(2026, 3, 1), 2, 0, 1, 1, 1),
        (date(2026, 4, 1), 1, 0, 1, 0, 1),
    ]


def test_cohort_table(connection: psycopg.Connection) -> None:
    load(connection, *PAYMENTS)
    found = ask(connection, "cohort_table")
    assert [tuple(row.values())[3:9] for row in found] == [
        (date(2026, 1, 1), 4, 25, 50, 25, None),
        (date(2026, 2, 1), 1, 0, 0, None, None),
    ]


def subscribed(number: int, amount: int, currency: str, day: str) -> Version:
    price = {"id": f"price_{number}", "currency": currency, "unit_amount": amount, "recurring": {"interval": "month"}}
    created = int(moment(day).timestamp())
    body = {
        "object": "subscription",
        "id": f"sub_{number}",
        "customer": f"cus_{number}",
        "currency": currency,
        "status": "active",
        "created": created,
        "items": {"data": [{"id": f"si_{number}", "created": created, "quantity": 1, "price": price}]},
    }
    return Version(moment(day), "customer.subscription.created", body)


def rate(day: str, currency: str, value: str, line: int) -> StoredRow:
    payload = {"date": day, "from_currency": currency, "to_currency": "usd", "rate": value}
    return StoredRow(moment("2026-01-01"), "fx_rate", payload, line=line)


def test_mrr_all_currencies(connection: psycopg.Connection) -> None:
    connection.execute("update ops.policy set value = 'usd' where name = 'reporting_currency'")
    load(
        connection,
        subscribed(1, 5_000, "usd", "2026-01-10"),
        subscribed(2, 100_000, "eur", "2026-01-10"),
        subscribed(3, 1_000, "jpy", "2026-02-10"),
        rate("2026-01-01", "eur", "1.1", 2),
        rate("2026-02-01", "eur", "1.0999", 3),
        rate("2026-03-01", "jpy", "0.0067", 4),
        through="2026-03-01",
    )
    found = ask(connection, "mrr_all_currencies", to_month="date '2026-02-01'")
    assert [tuple(row.values())[2:-1] for row in found] == [
        ("usd", date(2026, 1, 1), 0, 1150, 0, 0, 0, 0, 0, 0, 1150, None),
        ("usd", date(2026, 2, 1), 1150, None, 0, 0, 0, 0, 0, None, None, "jpy"),
    ]
    found = ask(connection, "mrr_all_currencies", from_month="date '2026-03-01'")
    assert [(row["opening_mrr"], row["fx"], row["closing_mrr"]) for row in found] == [(None, None, Decimal("1156.60"))]


def subscription(at: str, status: str, price: str, **changes: Any) -> Version:
    """The only subscription of cus_1, as it was from that moment on."""
    created = int(moment("2026-01-05").timestamp())
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    terms = {"id": price, "product": "prod_1", "currency": "usd", "unit_amount": 1000, "recurring": recurring}
    body = {
        "object": "subscription",
        "id": "sub_1",
        "customer": "cus_1",
        "currency": "usd",
        "status": status,
        "created": created,
        "start_date": created,
        "items": {"data": [{"id": "si_1", "created": created, "quantity": 2, "price": terms}], "has_more": False},
        **changes,
    }
    kind = {"2026-01-05": "created", "2026-06-05": "deleted"}.get(at, "updated")
    return Version(moment(at), f"customer.subscription.{kind}", body)


LIFE = [
    subscription("2026-01-05", "trialing", "price_small"),
    subscription("2026-01-19", "active", "price_small"),
    subscription("2026-03-01", "active", "price_large"),
    subscription("2026-04-01", "active", "price_large", pause_collection={"behavior": "void"}),
    subscription("2026-05-01", "active", "price_large"),
    subscription("2026-06-05", "canceled", "price_large", ended_at=int(moment("2026-06-05").timestamp())),
]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-01", [(False, None, None, None, None)]),
        ("2026-01-10", [(False, "trialing", False, "price_small", 2)]),
        ("2026-02-10", [(True, "active", False, "price_small", 2)]),
        ("2026-03-10", [(True, "active", False, "price_large", 2)]),
        ("2026-04-10", [(False, "active", True, "price_large", 2)]),
        ("2026-05-10", [(True, "active", False, "price_large", 2)]),
        ("2026-06-10", [(False, None, None, None, None)]),
    ],
    ids=["before", "trial", "paying", "another plan", "paused", "again", "ended"],
)
def test_user_subscribed_at(at: str, expected: list[tuple[Any, ...]], connection: psycopg.Connection) -> None:
    load(connection, customer("cus_1", "u1"), customer("cus_2", "u2"), *LIFE)
    found = ask(connection, "user_subscribed_at", user_id="'u1'", at=f"'{at}T00:00:00Z'")
    columns = ("is_subscribed", "status", "is_paused", "price_id", "quantity")
    assert [tuple(row[name] for name in columns) for row in found] == expected
    (nobody,) = ask(connection, "user_subscribed_at", user_id="'u2'", at=f"'{at}T00:00:00Z'")
    assert (nobody["is_subscribed"], nobody["subscription_id"]) == (False, None)


def test_renewal_cohorts_of_plan(connection: psycopg.Connection) -> None:
    renewed = {"01-19": "subscription_create", "02-19": "subscription_cycle", "03-19": "subscription_cycle"}
    invoices = [
        Version(
            moment(f"2026-{day}"),
            "invoice.paid",
            {
                "object": "invoice",
                "id": f"in_{day}",
                "customer": "cus_1",
                "subscription": "sub_1",
                "status": "paid",
                "billing_reason": reason,
                "currency": "usd",
                "total": 2000,
                "created": int(moment(f"2026-{day}").timestamp()),
                "status_transitions": {"paid_at": int(moment(f"2026-{day}").timestamp())},
            },
        )
        for day, reason in renewed.items()
    ]
    load(connection, *LIFE, *invoices, through="2026-06-20")
    found = ask(connection, "renewal_cohorts_of_plan", price_id="'price_small'")
    assert [tuple(row.values())[3:9] for row in found] == [(date(2026, 1, 1), 1, 100, 100, 0, None)]
    assert ask(connection, "renewal_cohorts_of_plan", price_id="'price_large'") == []
    assert ask(connection, "renewal_cohorts_of_plan", price_id="'price_small'", from_month="date '2026-02-01'") == []


def test_every_report_has_a_test_here() -> None:
    asked = set(re.findall(r'ask\(connection, "(\w+)"', Path(__file__).read_text()))
    assert {path.stem for path in REPORTS} <= asked


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_report_says_its_question_its_parameters_and_its_sources(path: Path) -> None:
    text = path.read_text()
    assert re.match(r"/\* Report: [^?]+\?", text)
    assert "Parameters, in asked: " in text
    named = {table.name or table.this.name for table in tables_of(text)}
    header = text.partition("*/")[0]
    assert named <= set(re.findall(r"\w+", header.partition("Sources: ")[2]))


def tables_of(text: str) -> list[exp.Table]:
    """The tables of the warehouse that a query reads."""
    return [table for table in sqlglot.parse_one(text, dialect="postgres").find_all(exp.Table) if table.db]


@pytest.mark.parametrize(
    "path",
    [path for path in REPORTS if {table.name for table in tables_of(path.read_text())} <= GIVEN_SCHEMA],
    ids=lambda path: path.stem,
)
def test_what_the_given_schema_covers_is_sql_that_redshift_understands(
    path: Path, make_redshift: Callable[[str], str]
) -> None:
    text = path.read_text()
    written = make_redshift(text)
    again = sqlglot.parse_one(written, dialect="redshift")
    # nothing had to be said in another way, and nothing is PostgreSQL's own
    assert again == sqlglot.parse_one(text, dialect="postgres")
    assert not re.search(r"::|\bfilter\s*\(|\blateral\b|distinct on|generate_series|\bjson", text.lower())


def test_both_reports_of_the_given_schema_are_among_them() -> None:
    covered = {path.stem for path in REPORTS if {table.name for table in tables_of(path.read_text())} <= GIVEN_SCHEMA}
    assert covered == {"duplicated_installs_yesterday", "top_channels_by_android_installs"}


@pytest.fixture
def make_redshift() -> Callable[[str], str]:
    """Transpiles to Redshift's dialect; what it does not support is an error."""

    def transpile(text: str) -> str:
        (written,) = sqlglot.transpile(
            text, read="postgres", write="redshift", unsupported_level=sqlglot.ErrorLevel.RAISE
        )
        return written

    return transpile
