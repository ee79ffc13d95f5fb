"""The queries of the charts: what they may read, and that they say what the marts say."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import psutil
import psycopg
import pytest
import sqlglot
from psycopg import sql
from sqlglot import exp

from tallyhouse.revenue.answers import Answer, ask, read_query, show_query
from tallyhouse.revenue.charts import BY_NAME, CHARTS, Chart
from tallyhouse.revenue.definitions import read_definitions
from tallyhouse.revenue.document import read_document
from tallyhouse.revenue.filters import Filters, read_plans, read_slices
from tallyhouse.revenue.reading import reading
from tallyhouse.roles import ANALYST
from tests.conftest import SQL_ROOT
from tests.revenue_page.asking import answer, filters

Asking = Callable[..., list[tuple[Any, ...]]]
Connect = Callable[[], AbstractContextManager[psycopg.Connection]]

each_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)


@pytest.fixture
def connection(connect: Connect) -> Iterator[psycopg.Connection]:
    """As the page reads: in one snapshot, as its role."""
    with reading(connect) as opened:
        yield opened


def test_every_query_is_of_a_chart_and_every_chart_has_one() -> None:
    assert {path.stem for path in (SQL_ROOT / "page").glob("*")} == {chart.query for chart in CHARTS}


@each_chart
def test_a_query_says_its_grain_and_reads_marts_alone(chart: Chart) -> None:
    text = read_query(SQL_ROOT, chart)
    assert text.startswith("/* Grain: one row per ")
    (statement,) = sqlglot.parse(text, dialect="postgres")
    assert statement is not None
    schemas = {table.db for table in statement.find_all(exp.Table)} - {""}
    assert schemas == {"mart"}


@each_chart
def test_a_query_takes_what_is_asked_for_by_number_from_the_first_to_the_last_that_it_needs(chart: Chart) -> None:
    text = read_query(SQL_ROOT, chart)
    numbers = {int(number) for number in re.findall(r"\$(\d)", text)}
    assert numbers == set(range(1, len(numbers) + 1))
    # one that keeps no account asks for the currency, the mode and the months alone
    assert len(numbers) == (7 if chart.by_plan or chart.query == "mrr" else 6 if chart.by_account else 4)


@each_chart
def test_every_column_is_defined_by_a_comment_of_the_database(connection: psycopg.Connection, chart: Chart) -> None:
    definitions = read_definitions(connection, CHARTS)
    assert definitions.of(chart) in definitions.marts[chart.mart]
    assert definitions.of(chart) != ""
    assert "Grain" not in definitions.of(chart)
    assert [name for name, text in definitions.of_columns(chart).items() if not text] == []


@each_chart
def test_by_quarter_each_chart_and_column_says_what_a_quarter_is(connection: psycopg.Connection, chart: Chart) -> None:
    for by, is_said in (("month", False), ("quarter", True)):
        charts = read_document(connection, SQL_ROOT, {"currency": "usd", "by": by})["charts"]
        (shown,) = [each for each in charts if each["name"] == chart.name]
        assert chart.by_quarter.endswith(".")
        assert (f"By quarter: {chart.by_quarter}" in shown["note"]) is is_said
        saying = {column["definition"].endswith(f"By quarter: {chart.by_quarter}") for column in shown["columns"]}
        assert saying == {is_said}


@each_chart
def test_the_sql_that_is_shown_gives_the_same_rows_when_it_is_run(connection: psycopg.Connection, chart: Chart) -> None:
    asked = filters(connection)
    shown = show_query(connection, SQL_ROOT, chart, asked)
    assert "$" not in shown
    cursor = connection.execute(sql.SQL(shown))
    names = [column.name for column in cursor.description or ()]
    assert set(names) >= {column.name for column in chart.columns}
    assert len(cursor.fetchall()) == len(ask(connection, SQL_ROOT, chart, asked).rows) > 0


LONGEST = 0.5
"""Processor seconds of a query of a small company, on the server: a dozen must not use up a second or two."""


@each_chart
@pytest.mark.parametrize("by", ["month", "quarter"])
def test_a_query_takes_a_fraction_of_the_time_of_the_page(
    connection: psycopg.Connection, chart: Chart, by: str
) -> None:
    asked = filters(connection, currency="every", by=by)
    # not of the clock: the machine may be busy with something else
    server = psutil.Process(connection.info.backend_pid)
    before = server.cpu_times()
    ask(connection, SQL_ROOT, chart, asked)
    after = server.cpu_times()
    assert after.user + after.system - before.user - before.system < LONGEST


def test_every_query_runs_on_every_version_of_postgresql(each_warehouse: str) -> None:
    month = date(2026, 1, 1)
    asked = Filters("usd", "usd", 2, False, None, month, month, "quarter", None)
    with reading(lambda: closing(psycopg.connect(each_warehouse))) as connection:
        assert read_slices(connection) == []
        for chart in CHARTS:
            assert ask(connection, SQL_ROOT, chart, asked).rows == []


def test_a_filter_that_is_sql_is_only_a_value(connection: psycopg.Connection) -> None:
    odd = "usd' or '1'='1"
    asked = Filters(**(vars(filters(connection)) | {"currency": odd}))
    for chart in CHARTS:
        assert ask(connection, SQL_ROOT, chart, asked).rows == []
        assert connection.execute(sql.SQL(show_query(connection, SQL_ROOT, chart, asked))).fetchall() == []


def test_the_page_reads_as_the_analyst_and_cannot_write(connection: psycopg.Connection) -> None:
    assert connection.execute("select current_user").fetchone() == (ANALYST,)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("create table public.of_the_page (a integer)")


@pytest.mark.parametrize("query", ["select count(*) from raw.event", "select count(*) from ops.batch"])
def test_the_page_sees_no_more_than_the_analyst(connect: Connect, query: str) -> None:
    with pytest.raises(Exception, match="permission denied"), reading(connect) as connection:
        connection.execute(query)  # type: ignore[call-overload]


# What is shown is what the marts say: chart, mart, columns of both, and what else picks the rows of the mart.
SAME = [
    ("mrr", "mrr_movement_monthly", ["closing_mrr_minor", "new_minor", "churn_minor", "held_change_minor"], ""),
    ("subscribers", "mrr_movement_monthly", ["subscribers", "paying_customers", "new_customers"], ""),
    (
        "churn",
        "subscriber_churn_monthly",
        ["churn_rate", "voluntary_customers", "involuntary_customers", "other_customers"],
        "",
    ),
    ("retention", "revenue_retention_monthly", ["net_revenue_retention", "gross_revenue_retention"], ""),
    ("retention", "revenue_retention_monthly", ["gross_mrr_churn_rate", "net_mrr_churn_rate", "quick_ratio"], ""),
    ("value", "subscriber_churn_monthly", ["arpu_minor", "churn_rate", "ltv_minor"], ""),
    ("trials", "trial_conversion_monthly", ["trials", "conversion_rate"], "and basis = 'ended'"),
]


@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
@pytest.mark.parametrize(("chart", "mart", "columns", "rest"), SAME)
def test_a_month_of_one_account_is_a_row_of_the_mart(
    connection: psycopg.Connection,
    asking: Asking,
    chart: str,
    mart: str,
    columns: list[str],
    rest: str,
    currency: str,
) -> None:
    ((account, exponent),) = asking(
        "select account_id, exponent from mart.mrr_movement_monthly inner join dwh.currency_dim using (currency) "
        "where currency = %s group by 1, 2 order by count(*) desc, 1 limit 1",
        currency,
    )
    names = ", ".join(columns)
    expected = asking(
        f"select month::text, {names} from mart.{mart} "
        f"where currency = %s and account_id = %s {rest} and month <= '2026-03-01' order by month",
        currency,
        account,
    )
    assert expected
    shown = {row["period"]: row for row in answer(connection, chart, account=account, currency=currency)}
    assert list(shown) == [at for at, *_ in expected] or chart == "trials"
    for at, *values in expected:
        row = shown[at]
        for name, value in zip(columns, values, strict=True):
            found = row[name.removesuffix("_minor")]
            # sums of what the mart keeps, divided once: in the last digits of a quotient they may differ
            exact = value if value is None or not name.endswith("_minor") else Decimal(value).scaleb(-exponent)
            assert found == exact if exact is None else float(found) == pytest.approx(float(exact), rel=1e-12), name


def test_revenue_is_the_sum_of_the_days(connection: psycopg.Connection, asking: Asking) -> None:
    expected = asking(
        "select date_trunc('month', day)::date::text, sum(net_after_fees_minor) / 100, sum(refunded_minor) / 100 "
        "from mart.revenue_daily where currency = 'usd' group by 1 order by 1"
    )
    rows = answer(connection, "revenue")
    assert [(row["period"], row["net_after_fees"], row["refunded"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("chart", "mart", "size", "left", "rate"),
    [
        ("cohort_customers", "cohort_retention_monthly", "cohort_customers", "active_customers", "retention_rate"),
        ("cohort_revenue", "cohort_revenue_retention_monthly", "cohort_mrr", "mrr", "revenue_retention_rate"),
    ],
)
def test_cohorts_of_all_accounts_are_the_sums_of_the_marts(
    connection: psycopg.Connection, asking: Asking, chart: str, mart: str, size: str, left: str, rate: str
) -> None:
    money = "mrr" in left
    names = [f"{name}_minor" if money else name for name in (size, left)]
    expected = asking(
        f"select cohort_month::text, months_since, sum({names[0]}), sum({names[1]}) "
        f"from mart.{mart} where currency = 'usd' group by 1, 2 order by 1, 2"
    )
    scale = 100 if money else 1
    rows = answer(connection, chart)
    assert [(row["cohort"], row["periods_since"], row[size] * scale, row[left] * scale) for row in rows] == expected
    assert len({row["cohort"] for row in rows}) == 9
    for row in rows:
        assert float(row[rate]) == pytest.approx(float(row[left] / Decimal(row[size])))


def test_renewals_are_those_of_the_mart_that_are_complete(connection: psycopg.Connection, asking: Asking) -> None:
    expected = asking(
        "select sum(started_subscriptions)::bigint, sum(renewed_subscriptions)::bigint "
        "from mart.renewal_cohort_by_plan where currency = 'usd' and is_complete"
    )
    rows = answer(connection, "renewals")
    totals = [(sum(row["started_subscriptions"] for row in rows), sum(row["renewed_subscriptions"] for row in rows))]
    assert totals == expected
    assert all(row["cohort"] is None and row["plan"] for row in rows)


def test_plans_of_one_name_stay_apart_by_their_ids(copy: str) -> None:
    with psycopg.connect(copy) as connection:
        connection.execute("update dwh.product_dim set name = 'Everything'")
        connection.execute("update dwh.price_dim set nickname = 'Monthly' where currency = 'usd'")
    with reading(lambda: closing(psycopg.connect(copy))) as connection:
        plans = dict(read_plans(connection, filters(connection)))
        rows = answer(connection, "renewals")
        sold = connection.execute(
            "select price_id, renewal, sum(started_subscriptions)::bigint from mart.renewal_cohort_by_plan "
            "where currency = 'usd' and is_complete group by price_id, interval_count, interval_unit, renewal"
        ).fetchall()
    assert len(plans) > 2
    assert plans == {price_id: f"Everything · Monthly · {price_id}" for price_id in plans}
    shown = [(row["plan"], row["renewal"], row["started_subscriptions"]) for row in rows]
    assert sorted(shown) == sorted((f"Everything · Monthly · {price_id}", *rest) for price_id, *rest in sold)


def test_failed_payments_are_the_same_by_month_and_by_reason(connection: psycopg.Connection, asking: Asking) -> None:
    ((failed, lost),) = asking(
        "select sum(failed_payments)::bigint, sum(lost_minor) / 100 from mart.payment_recovery_monthly "
        "where currency = 'usd'"
    )
    for name in ("recovery", "failures"):
        rows = answer(connection, name)
        assert (sum(row["failed_payments"] for row in rows), sum(row["lost"] for row in rows)) == (failed, lost)


def test_payback_is_of_the_months_that_are_over(connection: psycopg.Connection, asking: Asking) -> None:
    expected = asking(
        "select channel_name, months_since, sum(spend_minor) / 100, sum(cumulative_minor) / 100 "
        "from mart.acquisition_payback where currency = 'usd' and is_complete and install_month >= '2025-07-01' "
        "group by 1, 2 order by 1, 2"
    )
    rows = answer(connection, "payback")
    assert [(row["channel_name"], row["months_since"], row["spend"], row["cumulative"]) for row in rows] == expected


def test_two_accounts_are_added_up_and_their_rates_made_of_the_sums(
    connection: psycopg.Connection, asking: Asking
) -> None:
    accounts = [account for (account,) in asking("select distinct account_id from mart.mrr_daily")]
    assert len(accounts) == 2
    apart = [{row["period"]: row for row in answer(connection, "churn", account=account)} for account in accounts]
    for row in answer(connection, "churn"):
        parts = [one[row["period"]] for one in apart if row["period"] in one]
        left, base = (sum(part[name] for part in parts) for name in ("churned_customers", "opening_customers"))
        base += sum(part["started_customers"] for part in parts)
        assert row["churned_customers"] == left
        assert row["churn_rate"] == pytest.approx(Decimal(left) / base)


@pytest.mark.parametrize("by", ["month", "quarter"])
def test_subscribers_are_those_before_and_who_came_less_who_left(connection: psycopg.Connection, by: str) -> None:
    before = 0
    for row in answer(connection, "subscribers", by=by):
        before += row["new_customers"] + row["reactivated_customers"] - row["churned_customers"]
        assert row["subscribers"] == before
        assert row["paying_customers"] <= before
    assert before > 10


def test_quarters_open_with_their_first_month_and_close_with_their_last(connection: psycopg.Connection) -> None:
    months: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in answer(connection, "mrr"):
        year, month, _ = row["period"].split("-")
        months[f"{year}-{(int(month) - 1) // 3 * 3 + 1:02}-01"].append(row)
    quarters = answer(connection, "mrr", by="quarter")
    assert [row["period"] for row in quarters] == list(months)
    for row in quarters:
        parts = months[row["period"]]
        assert (row["opening_mrr"], row["closing_mrr"]) == (parts[0]["opening_mrr"], parts[-1]["closing_mrr"])
        won = row["new"] + row["expansion"] + row["reactivation"]
        lost = row["contraction"] + row["churn"] + row["held_change"]
        assert row["opening_mrr"] + won - lost == row["closing_mrr"]
        assert row["is_complete"] == (len(parts) == 3 and all(part["is_complete"] for part in parts))


def test_retention_of_a_quarter_is_the_product_of_its_months_and_churn_the_rest(connection: psycopg.Connection) -> None:
    months = {row["period"]: row for row in answer(connection, "retention")}
    (quarter,) = [row for row in answer(connection, "retention", by="quarter") if row["period"] == "2025-10-01"]
    for name, rest in (
        ("net_revenue_retention", "net_mrr_churn_rate"),
        ("gross_revenue_retention", "gross_mrr_churn_rate"),
    ):
        product = Decimal(1)
        for month in ("2025-10-01", "2025-11-01", "2025-12-01"):
            product *= months[month][name]
        assert float(quarter[name]) == pytest.approx(float(product))
        assert float(quarter[rest]) == pytest.approx(1 - float(product))


def test_a_plan_has_its_own_mrr_and_its_cohorts_by_month(connection: psycopg.Connection, asking: Asking) -> None:
    plans = read_plans(connection, filters(connection))
    ((price_id,),) = asking(
        "select price_id from mart.renewal_cohort_by_plan where currency = 'usd' and is_complete "
        "group by 1 order by sum(started_subscriptions) desc, 1 limit 1"
    )
    assert price_id in dict(plans)
    expected = asking(
        "select month::text, sum(closing_mrr_minor) / 100 from mart.mrr_by_plan_monthly "
        "where price_id = %s group by 1 order by 1",
        price_id,
    )
    assert [(row["period"], row["closing_mrr"]) for row in answer(connection, "mrr", plan=price_id)] == expected
    rows = answer(connection, "renewals", plan=price_id)
    assert rows
    assert all(row["plan"] is None and row["cohort"] for row in rows)


def test_csv_has_exact_numbers_a_header_and_the_currency(connection: psycopg.Connection) -> None:
    found = ask(connection, SQL_ROOT, BY_NAME["mrr"], filters(connection, currency="kwd"))
    head, first, *_ = found.as_csv().split("\r\n")
    movements = "opening_mrr,new,expansion,reactivation,contraction,churn,held_change,closing_mrr"
    assert head == f"period,{movements},is_complete,currency"
    assert first.split(",") == [*("true" if cell is True else str(cell) for cell in found.rows[0]), "kwd"]
    assert re.fullmatch(r"tallyhouse-mrr-kwd-test-by-month-\d{4}-\d\d-2026-03\.csv", found.file_name)


def test_files_of_different_views_have_different_names(connection: psycopg.Connection) -> None:
    asked = filters(connection)
    views = [
        asked,
        replace(asked, livemode=True),
        replace(asked, grain="quarter"),
        replace(asked, account_id="acct_1"),
        replace(asked, price_id="gold"),
        replace(asked, currency=None),
    ]
    names = {Answer(BY_NAME["mrr"], view, (), []).file_name for view in views}
    assert len(names) == len(views)
    assert "tallyhouse-mrr-usd-test-by-month-acct_1-2025-07-2026-03.csv" in names
    # what a chart does not follow is not in its name
    assert len({Answer(BY_NAME["payback"], view, (), []).file_name for view in views}) == len(views) - 2
    odd = Answer(BY_NAME["mrr"], replace(asked, price_id='gold"; \r\n/../é'), (), []).file_name
    assert odd == "tallyhouse-mrr-usd-test-by-month-gold______..__-2025-07-2026-03.csv"


def test_a_name_that_a_spreadsheet_would_run_is_only_text_in_csv(connection: psycopg.Connection) -> None:
    row = ["=cmd|' /C calc'!A0", None, "1 month", 1, 1, 1, 1, "1"]
    chart = BY_NAME["renewals"]
    text = Answer(chart, filters(connection), chart.columns, [row]).as_csv()
    assert text.splitlines()[1].startswith("'=cmd|")
