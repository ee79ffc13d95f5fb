"""The books of renewals, trials, failed payments, cohorts and fees, of two customers, computed by hand.

Starter is 29.00 USD a month; a charge costs 2.9 % + 0.30: 1.14.
"""

import pytest

from simulator.books_payments import PaymentBooks
from simulator.books_plans import PlanBooks
from simulator.catalog import Catalog
from simulator.company import Company
from tests.simulator.scripted import Scripted, at, scripted_company

UNTIL = at("2026-03-20T00:00:00Z")


def _loyal(index: int, catalog: Catalog) -> Scripted:
    """Starter from 10 January. The second renewal, on 10 March, is declined that day and paid three days later."""
    script = Scripted(index, "usd", catalog, declined=("2026-03-10T00:00:00Z",))
    script.do("2026-01-10T00:00:00Z", lambda when: script.subscribe(when, "starter", "month"))
    return script


def _trying(index: int, catalog: Catalog) -> Scripted:
    """Tries starter from 12 January for 14 days, and pays on the 26th."""
    script = Scripted(index, "usd", catalog)
    script.do("2026-01-12T00:00:00Z", lambda when: script.subscribe(when, "starter", "month", trial_days=14))
    return script


@pytest.fixture(scope="module")
def company() -> Company:
    made = scripted_company("2026-01-01T00:00:00Z", _loyal, _trying)
    made.ensure(UNTIL)
    return made


def test_the_invoice_that_ends_a_trial_is_no_renewal(company: Company) -> None:
    rows = PlanBooks(company).renewals(UNTIL)
    assert [(row["month"], row["renewal"], row["subscriptions"], row["paid"]) for row in rows] == [
        ("2026-01", 0, 2, 0),
        ("2026-01", 1, 2, 2),
        ("2026-01", 2, 1, 1),
    ]


def test_a_trial_counts_in_the_months_of_its_start_and_its_end(company: Company) -> None:
    rows = PlanBooks(company).trials(UNTIL)
    assert [(row["basis"], row["month"], row["trials"], row["converted"]) for row in rows] == [
        ("ended", "2026-01", 1, 1),
        ("started", "2026-01", 1, 1),
    ]


@pytest.mark.parametrize(("until", "recovered", "still_open"), [("2026-03-12", 0, 1), ("2026-03-20", 1, 0)])
def test_a_failed_payment_is_open_until_it_is_recovered(
    company: Company, until: str, recovered: int, still_open: int
) -> None:
    (row,) = PaymentBooks(company).recovery(at(f"{until}T00:00:00Z"))
    assert (row["month"], row["failure_code"], row["failed"], row["failed_minor"]) == (
        "2026-03",
        "card_declined",
        1,
        2900,
    )
    assert (row["recovered"], row["open"], row["lost"]) == (recovered, still_open, 0)


def test_who_paid_in_a_month_and_in_a_later_one(company: Company) -> None:
    rows = PaymentBooks(company).returns(UNTIL)
    assert {(row["month"], row["later_month"]): row["customers"] for row in rows} == {
        ("2026-01", "2026-02"): 2,
        ("2026-01", "2026-03"): 1,
        ("2026-02", "2026-03"): 1,
    }


def test_a_cohort_brings_what_its_customers_pay(company: Company) -> None:
    rows = PaymentBooks(company).cohorts(UNTIL)
    assert [(row["cohort_month"], row["month"], row["net_minor"]) for row in rows] == [
        ("2026-01", "2026-01", 5800),
        ("2026-01", "2026-02", 5800),
        ("2026-01", "2026-03", 2900),
    ]


def test_fees_are_those_of_the_day(company: Company) -> None:
    rows = PaymentBooks(company).fees(at("2026-01-31T00:00:00Z"))
    assert [(row["currency"], row["day"], row["fees_minor"]) for row in rows] == [
        ("usd", "2026-01-10", "114"),
        ("usd", "2026-01-26", "114"),
    ]
