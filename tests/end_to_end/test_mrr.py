"""The ledger of MRR against the company's own books, exact: every day, every currency, every customer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import psycopg
import pytest

from tests.conftest import PostgresServer
from tests.end_to_end.books import assert_renewals_equal_books, books
from tests.end_to_end.conftest import WATCHED_FOUNDED as FOUNDED
from tests.end_to_end.conftest import WATCHED_NOW as NOW
from tests.end_to_end.mrr_books import (
    assert_churn_equals_books,
    assert_days_equal_books,
    assert_plans_equal_books,
)
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.replay import replay

ROUNDING = Decimal("0.000001")
"""Minor units. The ledger keeps ten decimals of each item; the books are exact fractions."""

LEDGER = """
    select
        changes.currency, to_char(day, 'YYYY-MM-DD'), sum(changes.mrr_change_minor), sum(changes.paused_change_minor),
        sum(changes.trial_change_minor)
    from generate_series(%s::timestamptz, %s::timestamptz, interval '1 day') as calendar (day)
    inner join dwh.mrr_change_fact as changes on changes.changed_at < day + interval '1 day'
    group by changes.currency, day
"""
MOVEMENTS = """
    select
        currency, to_char(month, 'YYYY-MM'), new_minor, expansion_minor, contraction_minor, churn_minor,
        reactivation_minor, held_change_minor, closing_mrr_minor - opening_mrr_minor, new_customers, churned_customers,
        reactivated_customers
    from mart.mrr_movement_monthly
"""
REPORTING = """
    select
        to_char(month, 'YYYY-MM'), opening_mrr_minor, new_minor, expansion_minor, contraction_minor, churn_minor,
        reactivation_minor, held_change_minor, fx_minor, closing_mrr_minor, currency, currencies_without_rate
    from mart.mrr_movement_reporting_monthly
    order by month
"""
RETENTION = """
    select currency, to_char(month, 'YYYY-MM'), net_revenue_retention, gross_revenue_retention
    from mart.revenue_retention_monthly
    where opening_mrr_minor > 0 and is_complete
"""
COHORTS = """
    select
        currency, to_char(cohort_month, 'YYYY-MM'), to_char(month, 'YYYY-MM'), cohort_customers, active_customers,
        mrr_minor
    from mart.cohort_retention_monthly
"""
CUSTOMERS = """
    select currency, customer_id, sum(mrr_change_minor)
    from dwh.mrr_change_fact
    where changed_at < %s
    group by currency, customer_id
"""


@pytest.fixture(scope="module", params=["as it came", "in any order"])
def watched(request: pytest.FixtureRequest, postgres: PostgresServer, read_as_it_came: Pipeline) -> Iterator[Pipeline]:
    """That warehouse; and one that was given the same documents in any order, in parts that have nothing in common."""
    if request.param == "as it came":
        yield read_as_it_came
        return
    conninfo = postgres.clone_database(read_as_it_came.conninfo)
    with psycopg.connect(conninfo) as connection:
        replay(connection, seed=0.7, parts=5)
    yield Pipeline(conninfo, read_as_it_came.api_base)
    postgres.drop_database(conninfo)


FREE = """
    select
        count(*) filter (where not own.is_first_trial and own.was_paid),
        count(*) filter (where own.is_first_trial and own.has_other)
    from dwh.subscription_dim as s
    cross join lateral (
        select
            s.trial_start_at < s.created_at + interval '1 day' as is_first_trial,
            exists (
                select from dwh.mrr_change_fact as m
                where m.subscription_id = s.subscription_id and m.changed_at < s.valid_from and m.mrr_after_minor > 0
            ) as was_paid,
            exists (
                select from dwh.mrr_change_fact as m
                where m.customer_id = s.customer_id and m.changed_at < s.valid_from and m.mrr_after_minor > 0
            ) as has_other
    ) as own
    where s.status = 'trialing'
"""


def test_some_are_given_free_time_and_some_try_a_second_plan(watched: Pipeline) -> None:
    with psycopg.connect(watched.conninfo) as connection:
        row = connection.execute(FREE).fetchone()
    assert row is not None
    assert min(row) > 0


def test_mrr_equals_the_books_on_every_day_in_every_currency(watched: Pipeline) -> None:
    expected = {
        (row["currency"], row["day"]): [Fraction(row[f"{bucket}_minor"]) for bucket in ("mrr", "paused", "trial")]
        for row in books(watched.api_base, "mrr/daily")
    }
    with psycopg.connect(watched.conninfo) as connection:
        found = {
            (currency, day): buckets
            for currency, day, *buckets in connection.execute(LEDGER, [FOUNDED, NOW - timedelta(days=1)]).fetchall()
        }
    nothing = [Decimal(0)] * 3
    wrong = {
        key: (found.get(key, nothing), theirs)
        for key, theirs in expected.items()
        if not all(map(close, found.get(key, nothing), theirs))
    }
    assert len(expected) > 1000
    assert all(any(buckets) for buckets in zip(*expected.values(), strict=True))
    assert wrong == {}


def close(ours: Decimal | Fraction, theirs: Fraction | str) -> bool:
    return abs(Fraction(ours) - Fraction(theirs)) <= ROUNDING


def query(pipeline: Pipeline, text: str, parameters: list[object] | None = None) -> list[tuple]:
    with psycopg.connect(pipeline.conninfo) as connection:
        return connection.execute(text, parameters).fetchall()


def test_the_mart_of_days_equals_the_books_in_every_column(watched: Pipeline) -> None:
    assert assert_days_equal_books(watched, watched.account().account_id) > 1500


def test_the_mart_of_plans_equals_the_books_in_every_month(watched: Pipeline) -> None:
    assert assert_plans_equal_books(watched, watched.account().account_id) > 500


def test_who_left_whether_they_wanted_to_and_why_equals_the_books(watched: Pipeline) -> None:
    left = assert_churn_equals_books(watched, watched.account().account_id)
    assert sum(row["voluntary_customers"] for row in left) > 10
    assert sum(row["involuntary_customers"] for row in left) > 2
    assert {name for row in left for name in row["reasons"]} >= {
        "voluntary: cancellation_requested",
        "involuntary: payment_failed",
    }


def test_renewals_of_every_plan_and_month_of_start_equal_the_books(watched: Pipeline) -> None:
    assert assert_renewals_equal_books(watched) > 600


def test_mrr_of_every_customer_equals_the_books(watched: Pipeline) -> None:
    for until in (datetime(2025, 9, 1, tzinfo=UTC), datetime(2026, 3, 17, 5, tzinfo=UTC), NOW):
        expected = {
            (row["currency"], row["customer"]): Fraction(row["mrr_minor"])
            for row in books(watched.api_base, "mrr/customers", until)
        }
        found = {(currency, customer): mrr for currency, customer, mrr in query(watched, CUSTOMERS, [until])}
        assert found.keys() <= expected.keys()
        wrong = {key for key, mrr in expected.items() if not close(found.get(key, Decimal(0)), mrr)}
        assert wrong == set()
        assert sum(mrr > 0 for mrr in expected.values()) > 20


def test_movements_of_every_month_equal_the_books(watched: Pipeline) -> None:
    names = ("new", "expansion", "contraction", "churn", "reactivation")
    found = {row[:2]: row[2:] for row in query(watched, MOVEMENTS)}
    expected = {(row["currency"], row["month"]): row for row in books(watched.api_base, "mrr/movements")}
    assert expected.keys() <= found.keys()
    for key, amounts in found.items():
        row = expected.get(key)
        if row is None:  # a quiet month
            assert not any(amounts)
            continue
        theirs = [row[f"{name}_minor"] for name in names] + [row["held_minor"], row["change_minor"]]
        assert all(close(ours, other) for ours, other in zip(amounts[:7], theirs, strict=True)), key
        assert amounts[7:] == (row["new_customers"], row["churn_customers"], row["reactivation_customers"]), key
    assert all(sum(Fraction(row[f"{name}_minor"]) for row in expected.values()) > 0 for name in names)
    assert any(Fraction(row["held_minor"]) for row in expected.values())


def test_movements_of_all_currencies_with_fx_equal_the_books_in_the_reporting_currency(watched: Pipeline) -> None:
    names = ("opening", "new", "expansion", "contraction", "churn", "reactivation", "held", "fx", "closing")
    expected = {row["month"]: row for row in books(watched.api_base, "mrr/reporting")}
    found = query(watched, REPORTING)
    assert {currency for *_, currency, _ in found} == {"usd"}
    assert expected.keys() == {row[0] for row in found}
    for month, *amounts, _, _ in found:
        theirs = [expected[month][f"{name}_minor"] for name in names]
        assert [amount is None for amount in amounts] == [amount is None for amount in theirs], month
        pairs = [pair for pair in zip(amounts, theirs, strict=True) if pair[0] is not None]
        assert all(close(*pair) for pair in pairs), month
    known = [row for row in found if None not in row[:10]]
    # a currency is sold a while before anybody pays in it
    assert len(known) > 12
    assert all(abs(row[8]) > 100 for row in known[2:])
    for _, opening, new, expansion, contraction, churn, reactivation, held, fx, closing, *_ in known:
        # exactly, not within a rounding
        assert opening + new + expansion - contraction - churn + reactivation - held + fx == closing
    assert all((None in row[1:10]) is (row[11] is not None) for row in found)


def test_retention_is_what_the_customers_of_the_books_kept(watched: Pipeline) -> None:
    found = query(watched, RETENTION)
    assert len(found) > 30
    starts = {f"{at:%Y-%m}": at for at in (datetime(2025 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(20))}
    held = {
        month: {
            (row["currency"], row["customer"]): Fraction(row["mrr_minor"]) + Fraction(row["held_minor"])
            for row in books(watched.api_base, "mrr/customers", at)
        }
        for month, at in starts.items()
        if FOUNDED < at <= NOW
    }
    following = dict(zip(starts, list(starts)[1:], strict=False))
    for currency, month, net, gross in found:
        opening = {key: mrr for key, mrr in held[month].items() if key[0] == currency and mrr > 0}
        closing = held[following[month]]
        whole = sum(opening.values())
        kept = sum(closing.get(key, Fraction(0)) for key in opening)
        least = sum(min(mrr, closing.get(key, Fraction(0))) for key, mrr in opening.items())
        assert close(net, kept / whole), (currency, month)
        assert close(gross, least / whole), (currency, month)


def test_cohorts_equal_the_books(watched: Pipeline) -> None:
    moved: dict[tuple[str, str], dict[str, tuple[int, int, Fraction]]] = {}
    for row in books(watched.api_base, "mrr/cohorts"):
        months = moved.setdefault((row["currency"], row["cohort_month"]), {})
        months[row["month"]] = (row["joined_customers"], row["customers_change"], Fraction(row["mrr_change_minor"]))
    found = query(watched, COHORTS)
    assert {row[:2] for row in found} == moved.keys()
    assert len(found) > 300
    for currency, cohort, month, size, active, mrr in found:
        until = [change for at, change in moved[currency, cohort].items() if at <= month]
        whole = moved[currency, cohort].values()
        assert size == sum(joined for joined, _, _ in whole)
        assert active == sum(change for _, change, _ in until)
        assert close(mrr, sum(change for _, _, change in until))
