"""The marts of MRR and the company's own books of it, compared day by day, plan by plan, and by who left."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import httpx
import psycopg

from tests.end_to_end.books import books
from tests.end_to_end.pipeline import Pipeline

ROUNDING = Fraction(1, 10**6)
"""Minor units. The ledger keeps ten decimals of each item; the books are exact fractions."""
KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
DAYS = """
    select
        currency, to_char(day, 'YYYY-MM-DD'), opening_mrr_minor, new_minor, reactivation_minor, expansion_minor,
        contraction_minor, churn_minor, held_change_minor, mrr_minor, held_minor, arr_minor, paying_customers,
        subscribers, new_customers, reactivated_customers, churned_customers
    from mart.mrr_daily
    where account_id = %s and livemode = %s
"""
PLANS = """
    select
        currency, price_id, to_char(month, 'YYYY-MM'), opening_mrr_minor, new_minor, reactivation_minor,
        expansion_minor, contraction_minor, churn_minor, held_change_minor, closing_mrr_minor, paying_customers
    from mart.mrr_by_plan_monthly
    where account_id = %s and livemode = %s
"""
CHURN = """
    select
        currency, to_char(month, 'YYYY-MM'), voluntary_customers, involuntary_customers, other_customers, reasons,
        feedbacks, opening_customers, started_customers, churned_customers, churn_rate, arpu_minor
    from mart.subscriber_churn_monthly
    where account_id = %s and livemode = %s
"""


def assert_close(found: Mapping[tuple[str, ...], Sequence[Any]], expected: Mapping[tuple[str, ...], list[Any]]) -> None:
    """The same keys; of each the same amounts, but for the rounding of the ledger."""
    assert found.keys() == expected.keys()
    wrong = {
        key: (row, expected[key])
        for key, row in found.items()
        if not all(abs(Fraction(ours) - theirs) <= ROUNDING for ours, theirs in zip(row, expected[key], strict=True))
    }
    assert wrong == {}


def read(pipeline: Pipeline, query: str, keys: int, account_id: str, livemode: bool) -> dict[tuple[str, ...], Any]:
    """The rows of a mart by their first columns."""
    with psycopg.connect(pipeline.conninfo) as connection:
        return {row[:keys]: row[keys:] for row in connection.execute(query, [account_id, livemode]).fetchall()}


def days_of_books(pipeline: Pipeline, account_id: str) -> dict[tuple[str, ...], list[Any]]:
    """(currency, day) -> what DAYS tells, of every day from a currency's first movement until today."""
    moved: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in books(pipeline.api_base, "mrr/movements", account_id=account_id, per="day"):
        moved[row["currency"]][row["day"]] = row
    clock = httpx.get(f"{pipeline.api_base}/_sim/clock")
    last = date.fromisoformat(clock.json()["now"][:10])
    table: dict[tuple[str, ...], list[Any]] = {}
    for currency, own in moved.items():
        mrr, held, paying, subscribers = Fraction(0), Fraction(0), 0, 0
        day = date.fromisoformat(min(own))
        while day <= last:
            row = own.get(day.isoformat(), {})
            opening = mrr
            mrr += Fraction(row.get("change_minor", 0))
            held += Fraction(row.get("held_minor", 0))
            paying += row.get("paying_change", 0)
            came, back, left = (row.get(f"{kind}_customers", 0) for kind in ("new", "reactivation", "churn"))
            subscribers += came + back - left
            amounts = [Fraction(row.get(f"{kind}_minor", 0)) for kind in (*KINDS, "held")]
            table[currency, day.isoformat()] = [
                *[opening, *amounts, mrr, held, 12 * mrr],
                *[paying, subscribers, came, back, left],
            ]
            day += timedelta(days=1)
    return table


def assert_days_equal_books(pipeline: Pipeline, account_id: str, livemode: bool = False) -> int:
    """Every column of every day; how many days of currencies there are."""
    found = read(pipeline, DAYS, 2, account_id, livemode)
    assert_close(found, days_of_books(pipeline, account_id))
    return len(found)


def assert_plans_equal_books(pipeline: Pipeline, account_id: str, livemode: bool = False) -> int:
    """Every column of every plan and month; how many rows there are."""
    moved: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in books(pipeline.api_base, "mrr/plans", account_id=account_id):
        moved[row["currency"], row["price"]][row["month"]] = row
    found = read(pipeline, PLANS, 3, account_id, livemode)
    months = sorted({month for *_, month in found})
    expected: dict[tuple[str, ...], list[Any]] = {}
    for plan, own in moved.items():
        mrr, paying = Fraction(0), 0
        for month in months[months.index(min(own)) :]:
            row = own.get(month, {})
            opening = mrr
            mrr += Fraction(row.get("change_minor", 0))
            paying += row.get("paying_change", 0)
            amounts = [Fraction(row.get(f"{kind}_minor", 0)) for kind in (*KINDS, "held")]
            expected[*plan, month] = [opening, *amounts, mrr, paying]
    # a plan is there from its first trial on
    quiet = {key for key in found.keys() - expected.keys() if not any(found[key])}
    assert_close({key: row for key, row in found.items() if key not in quiet}, expected)
    return len(found)


def assert_churn_equals_books(pipeline: Pipeline, account_id: str, livemode: bool = False) -> list[dict[str, Any]]:
    """Who left in each month, wanting to or not, and why; the rates that follow. Returns the rows of the books."""
    left = books(pipeline.api_base, "mrr/churn", account_id=account_id)
    by_month = {(row["currency"], row["month"]): row for row in left}
    days = days_of_books(pipeline, account_id)
    found = read(pipeline, CHURN, 2, account_id, livemode)
    # a currency's months without a movement are rows too
    assert found.keys() == {(currency, day[:7]) for currency, day in days}
    opening: dict[str, int] = defaultdict(int)
    for currency, month in sorted(found):
        *kinds, reasons, feedbacks, opened, started, churned, rate, arpu = found[currency, month]
        own = [row for (of, day), row in days.items() if (of, day[:7]) == (currency, month)]
        mrr, (paying, subscribers) = own[-1][7], own[-1][10:12]
        told = by_month.get((currency, month), {})
        assert kinds == [told.get(f"{kind}_customers", 0) for kind in ("voluntary", "involuntary", "other")]
        assert (reasons, feedbacks) == (told.get("reasons", {}), told.get("feedbacks", {}))
        assert (opened, started) == (opening[currency], sum(row[12] + row[13] for row in own))
        assert churned == sum(kinds) == sum(row[14] for row in own)
        whole = opened + started
        assert (rate is None) is (whole == 0)
        assert rate is None or abs(Fraction(rate) - Fraction(churned, whole)) < ROUNDING
        assert (arpu is None) is (paying == 0)
        assert arpu is None or abs(Fraction(arpu) - mrr / paying) <= ROUNDING
        opening[currency] = subscribers
    return left


def assert_mrr_equals_books(pipeline: Pipeline, account_id: str, livemode: bool = False) -> None:
    """All three, of a company in which something moved."""
    assert assert_days_equal_books(pipeline, account_id, livemode) > 25
    assert assert_plans_equal_books(pipeline, account_id, livemode) > 5
    assert_churn_equals_books(pipeline, account_id, livemode)
