"""Sums over months, accounts and currencies: whole, or said not to be."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tallyhouse.revenue.answers import Answer, ask
from tallyhouse.revenue.charts import BY_NAME, CHARTS, Chart
from tallyhouse.revenue.document import read_document
from tallyhouse.revenue.reading import reading
from tests.conftest import SQL_ROOT
from tests.revenue_page.asking import answer, filters
from tests.revenue_page.conftest import rows_of

Asking = Callable[..., list[tuple[Any, ...]]]
Connect = Callable[[], AbstractContextManager[psycopg.Connection]]

BY_PERIOD = [chart for chart in CHARTS if chart.columns[0].name == "period"]
LAST = "2026-03-01"
"""The month that is not over."""


@pytest.fixture
def connection(connect: Connect) -> Iterator[psycopg.Connection]:
    """As the page reads: in one snapshot, as its role."""
    with reading(connect) as opened:
        yield opened


@pytest.fixture
def of_uneven(uneven: str) -> Iterator[psycopg.Connection]:
    """The same, of the copy in which something is missing."""
    with reading(lambda: closing(psycopg.connect(uneven))) as opened:
        yield opened


@pytest.fixture
def asking_uneven(uneven: str) -> Iterator[Asking]:
    """Asks that copy as its owner."""
    with rows_of(uneven) as ask_it:
        yield ask_it


@pytest.mark.parametrize("currency", ["usd", "eur", "jpy", "kwd", "every"])
def test_every_chart_over_periods_has_all_of_them(connection: psycopg.Connection, currency: str) -> None:
    axes = {
        chart.name: [row["period"] for row in answer(connection, chart.name, currency=currency)] for chart in BY_PERIOD
    }
    longest = max(axes.values(), key=len)
    assert longest[-1] == LAST
    assert longest == sorted(set(longest))
    # where nobody had a subscription yet there is no rate to tell of
    assert all(axis == longest[-len(axis) :] for axis in axes.values())
    assert axes["revenue"] == axes["trials"] == axes["recovery"] == longest


def test_a_month_without_payments_is_zero_and_its_quarter_is_final(of_uneven: psycopg.Connection) -> None:
    ((account,),) = of_uneven.execute("select min(account_id) from mart.currency_span").fetchall()
    asked = {"currency": "eur", "account": account}
    for name, count in (("revenue", "gross"), ("recovery", "failed_payments")):
        months = {row["period"]: row for row in answer(of_uneven, name, **asked)}
        assert (months["2025-12-01"][count], months["2025-12-01"]["is_complete"]) == (0, True)
        quarters = {row["period"]: row for row in answer(of_uneven, name, by="quarter", **asked)}
        parts = [months[f"2025-{month}-01"] for month in (10, 11, 12)]
        assert quarters["2025-10-01"][count] == sum(part[count] for part in parts)
        assert quarters["2025-10-01"]["is_complete"] == all(part["is_complete"] for part in parts)


@pytest.mark.parametrize("chart", BY_PERIOD, ids=lambda chart: chart.name)
def test_a_quarter_is_not_final_before_its_last_month_is(connection: psycopg.Connection, chart: Chart) -> None:
    rows = {row["period"]: row["is_complete"] for row in answer(connection, chart.name, by="quarter")}
    # January and February are over and known, March is not
    assert rows["2026-01-01"] is False


def test_reasons_of_failures_are_not_final_before_the_range_is(connection: psycopg.Connection) -> None:
    assert {row["is_complete"] for row in answer(connection, "failures")} == {False}
    assert True in {row["is_complete"] for row in answer(connection, "failures", to="2025-11")}


@pytest.mark.parametrize("chart", BY_PERIOD, ids=lambda chart: chart.name)
def test_what_one_account_has_not_reached_is_final_in_no_sum(of_uneven: psycopg.Connection, chart: Chart) -> None:
    accounts = [row[0] for row in of_uneven.execute("select distinct account_id from mart.currency_span order by 1")]
    of_first, of_both = (
        {row["period"]: row for row in answer(of_uneven, chart.name, **asked)}
        for asked in ({"account": accounts[0]}, {})
    )
    # the second was read until 20 January: February has rows of the first alone, and shows them
    assert [of_both[at]["is_complete"] for at in ("2026-01-01", "2026-02-01", LAST)] == [False] * 3
    shown = [key for key in of_both["2026-02-01"] if key != "is_complete"]
    assert {key: of_both["2026-02-01"][key] for key in shown} == {key: of_first["2026-02-01"][key] for key in shown}
    if chart.name not in ("trials", "recovery"):  # which take longer than a month to be decided
        assert of_first["2026-02-01"]["is_complete"] is True
        assert of_both["2025-12-01"]["is_complete"] is True


def test_cohorts_are_not_final_where_an_account_has_not_come(of_uneven: psycopg.Connection) -> None:
    for name in ("cohort_customers", "cohort_revenue"):
        (first,) = {row["cohort"] for row in answer(of_uneven, name)[:1]}
        final = [row["is_complete"] for row in answer(of_uneven, name) if row["cohort"] == first]
        # July to December
        assert final == [True] * 6 + [False] * 3


def whole(column: str) -> str:
    """SQL of a sum of which no part is unknown; else of null."""
    return f"case when count({column}) = count(*) then sum({column}) end"


SUMS = [
    ("revenue", "revenue_daily", "date_trunc('month', day)::date", ["gross", "refunded", "disputed", "net_after_fees"]),
    ("mrr", "mrr_movement_reporting_monthly", "month", ["opening_mrr", "new", "churn", "fx", "closing_mrr"]),
    ("recovery", "payment_recovery_monthly", "month", ["failed", "recovered", "lost"]),
]
"""(Chart, mart, its month, amounts): what all currencies together are the sums of."""


@pytest.mark.parametrize(("chart", "mart", "month", "amounts"), SUMS, ids=[case[0] for case in SUMS])
def test_all_currencies_together_are_the_sums_of_the_marts_in_the_reporting_currency(
    connection: psycopg.Connection, asking: Asking, chart: str, mart: str, month: str, amounts: list[str]
) -> None:
    suffix = "minor" if mart.startswith("mrr") else "reporting_minor"
    sums = ", ".join(f"{whole(f'{name}_{suffix}')} / 100" for name in amounts)
    expected = {at: values for at, *values in asking(f"select {month}::text, {sums} from mart.{mart} group by 1")}
    rows = {row["period"]: row for row in answer(connection, chart, currency="every")}
    assert rows.keys() >= expected.keys()
    for at, values in expected.items():
        for name, value in zip(amounts, values, strict=True):
            assert rows[at][name] == (value if value is None else pytest.approx(value)), (at, name)
    assert any(rows[at][amounts[-1]] for at in expected)


def test_what_exchange_rates_changed_is_a_part_of_the_waterfall(connection: psycopg.Connection) -> None:
    rows = [row for row in answer(connection, "mrr", currency="every") if None not in row.values()]
    for row in rows:
        won = row["new"] + row["expansion"] + row["reactivation"] + row["fx"]
        lost = row["contraction"] + row["churn"] + row["held_change"]
        assert row["opening_mrr"] + won - lost == pytest.approx(row["closing_mrr"])
    assert any(row["fx"] for row in rows)
    assert "fx" not in answer(connection, "mrr")[0]


def test_rates_of_all_currencies_are_made_of_the_sums(connection: psycopg.Connection, asking: Asking) -> None:
    expected = asking(
        f"select month::text, {whole('kept_reporting_minor')} "
        f"/ nullif({whole('opening_mrr_reporting_minor + opening_held_reporting_minor')}, 0) "
        "from mart.revenue_retention_monthly group by 1 order by 1"
    )
    rows = answer(connection, "retention", currency="every")
    assert [(row["period"], row["net_revenue_retention"]) for row in rows] == [
        (at, value if value is None else pytest.approx(value)) for at, value in expected
    ]
    ((arpu,),) = asking(
        "select sum(closing_mrr_minor) / sum(paying_customers) / 100 from mart.mrr_movement_reporting_monthly "
        "where month = '2026-01-01'"
    )
    (value,) = [row for row in answer(connection, "value", currency="every") if row["period"] == "2026-01-01"]
    assert value["arpu"] == pytest.approx(arpu)
    ((left, there),) = asking(
        "select sum(mrr_reporting_minor) / 100, sum(cohort_mrr_reporting_minor) / 100 "
        "from mart.cohort_revenue_retention_monthly where cohort_month = '2025-09-01' and months_since = 3"
    )
    (cohort,) = [
        row
        for row in answer(connection, "cohort_revenue", currency="every")
        if (row["cohort"], row["periods_since"]) == ("2025-09-01", 3)
    ]
    assert cohort["revenue_retention_rate"] == pytest.approx(left / there)


@pytest.mark.parametrize(
    ("chart", "count"),
    [
        ("subscribers", "subscribers"),
        ("churn", "churned_customers"),
        ("trials", "trials"),
        ("cohort_customers", "active_customers"),
        ("renewals", "started_subscriptions"),
        ("failures", "failed_payments"),
    ],
)
def test_counts_of_all_currencies_are_those_of_each(connection: psycopg.Connection, chart: str, count: str) -> None:
    currencies = [row[0] for row in connection.execute("select distinct currency from mart.currency_span")]
    assert len(currencies) >= 4
    of_each = [sum(row[count] for row in answer(connection, chart, currency=currency)) for currency in currencies]
    assert sum(row[count] for row in answer(connection, chart, currency="every")) == sum(of_each) > 0


def test_payback_of_all_currencies_counts_users_and_install_months_once(
    connection: psycopg.Connection, asking: Asking
) -> None:
    expected = asking(
        f"select channel_name, months_since, count(distinct install_month), sum(distinct_users)::bigint, "
        f"{whole('spend')} / 100, {whole('cumulative')} / 100 from ("
        f"select channel_name, months_since, install_month, max(users) as distinct_users, "
        f"{whole('spend_reporting_minor')} as spend, {whole('cumulative_reporting_minor')} as cumulative "
        "from mart.acquisition_payback where is_complete and install_month >= '2025-07-01' group by 1, 2, 3"
        ") as cohort group by 1, 2 order by 1, 2"
    )
    rows = answer(connection, "payback", currency="every")
    assert [(row["channel_name"], row["months_since"], row["install_months"], row["users"]) for row in rows] == [
        tuple(values[:4]) for values in expected
    ]
    for row, values in zip(rows, expected, strict=True):
        for name, value in zip(("spend", "cumulative"), values[4:], strict=True):
            assert row[name] == (value if value is None else pytest.approx(value))
    assert any(row["cumulative"] for row in rows)


OF_DINARS = ["mrr", "revenue", "retention", "value", "cohort_revenue"]
"""Charts of amounts in which there are dinars."""


def test_without_a_rate_nothing_is_summed_and_the_currency_is_named(of_uneven: psycopg.Connection) -> None:
    named = {
        chart.name: list(ask(of_uneven, SQL_ROOT, chart, filters(of_uneven, currency="every")).without_rate)
        for chart in CHARTS
    }
    lacking = {name for name, currencies in named.items() if currencies}
    assert lacking <= {*OF_DINARS, "recovery", "failures", "payback"}
    assert all("kwd" in named[name] for name in OF_DINARS)
    closing = {row["period"]: row["closing_mrr"] for row in answer(of_uneven, "mrr", currency="every")}
    of_dinars = {row["period"] for row in answer(of_uneven, "mrr", currency="kwd") if row["closing_mrr"]}
    assert of_dinars
    assert all(closing[at] is None for at in of_dinars)


def test_retention_of_a_quarter_is_not_known_where_that_of_one_of_its_months_is_not(
    of_uneven: psycopg.Connection,
) -> None:
    names = ("net_revenue_retention", "gross_revenue_retention")
    months: dict[str, list[dict[str, Any]]] = {}
    for row in answer(of_uneven, "retention", currency="every"):
        year, month, _ = row["period"].split("-")
        months.setdefault(f"{year}-{(int(month) - 1) // 3 * 3 + 1:02}-01", []).append(row)
    quarters = answer(of_uneven, "retention", currency="every", by="quarter")
    assert [row["period"] for row in quarters] == list(months)
    for row in quarters:
        for name in names:
            parts = [part[name] for part in months[row["period"]]]
            assert row[name] == (None if None in parts else pytest.approx(math.prod(parts))), row["period"]
    # not only because the first of them is not known
    assert any(parts[0][names[0]] is not None and parts[-1][names[0]] is None for parts in months.values())


def test_the_page_says_once_which_currency_has_no_rate_and_what_to_do(of_uneven: psycopg.Connection) -> None:
    asked = {"from": "2025-07", "currency": "every"}
    said = read_document(of_uneven, SQL_ROOT, asked)["without_rate"]
    assert re.match(r"For some of this range there is no exchange rate to USD of (\w+, )*KWD:", said["error"])
    assert "fx_rates" in said["what_to_do"]
    assert "`acquisition`" in said["what_to_do"]
    assert read_document(of_uneven, SQL_ROOT, asked | {"currency": "kwd"})["without_rate"] is None


def test_notes_say_that_a_customer_counts_in_each_currency(connection: psycopg.Connection) -> None:
    for currency, is_said in (("every", True), ("usd", False)):
        charts = read_document(connection, SQL_ROOT, {"currency": currency})["charts"]
        noted = {chart["name"] for chart in charts if "counts in each" in chart["note"]}
        assert noted == ({"subscribers", "churn", "value", "cohort_customers"} if is_said else set())


def test_csv_of_all_currencies_names_the_reporting_currency(connection: psycopg.Connection) -> None:
    found: Answer = ask(connection, SQL_ROOT, BY_NAME["mrr"], filters(connection, currency="every"))
    head, first, *_ = (line.split(",") for line in found.as_csv().split("\r\n"))
    assert (head[-1], first[-1]) == ("currency", "usd")
    assert Decimal(first[head.index("fx")]) is not None
    assert found.file_name == "tallyhouse-mrr-all-in-usd-test-by-month-2025-07-2026-03.csv"
