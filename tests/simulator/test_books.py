"""The books of four customers, computed by hand.

Prices: starter 29.00 USD a month, pro 99.00 USD a month, pro 890.00 EUR a year, export 6,500 JPY once.
"""

import pytest

from simulator.agreement import Choice
from simulator.books import Books
from simulator.catalog import Catalog
from simulator.company import Company
from tests.simulator.scripted import Scripted, at, downgrader, scripted_company

FIELDS = (
    "mrr_minor",
    "paying_customers",
    "active_customers",
    "new_customers",
    "retained_customers",
    "returning_customers",
    "churned_customers",
    "revenue_minor",
    "charges",
    "refunds_minor",
    "failed_charges",
)


def _upgrader(index: int, catalog: Catalog) -> Scripted:
    """Starter from 10 January; pro from 24 February, half way through 28 days; ends on 10 April.

    On 10 March the invoice is 9,900 for pro, less 1,450 for half a starter month, plus 4,950 for half a pro
    month: 13,400.
    """
    script = Scripted(index, "usd", catalog)

    def start(when: int) -> None:
        agreement = script.subscribe(when, "starter", "month")
        script.do(
            "2026-02-24T12:00:00Z",
            lambda at: script.changes.change_item(at, agreement, 0, Choice(script.price("pro", "month", at), 1)),
        )
        script.do("2026-03-20T00:00:00Z", lambda at: script.billing.cancel_at_period_end(at, agreement, "unused"))

    script.do("2026-01-10T12:00:00Z", start)
    return script


def _annual(index: int, catalog: Catalog) -> Scripted:
    """Pro for a year from 15 January; 100.00 given back on 1 February, and 50.00 that the bank returned."""
    script = Scripted(index, "eur", catalog)

    def give_back(when: int) -> None:
        script.payments.refund(when, script.charges[0], 10_000, "succeeded", None)
        pending = script.payments.refund(when, script.charges[0], 5_000, "pending", None)
        script.do(
            "2026-02-10T00:00:00Z",
            lambda at: script.payments.fail_refund(at, pending, script.charges[0], "expired_or_canceled_card"),
        )

    script.do("2026-01-15T08:00:00Z", lambda at: script.subscribe(at, "pro", "year"))
    script.do("2026-02-01T00:00:00Z", give_back)
    return script


def _trialist(index: int, catalog: Catalog) -> Scripted:
    """Starter on trial from 18 January to 1 February; the first payment is declined, the second is not."""
    script = Scripted(index, "usd", catalog, declined=("2026-02-01",))
    script.do("2026-01-18T00:00:00Z", lambda at: script.subscribe(at, "starter", "month", trial_days=14))
    return script


def _shopper(index: int, catalog: Catalog) -> Scripted:
    """Buys an export on 5 January and on 5 March."""
    script = Scripted(index, "jpy", catalog)

    def buy(when: int) -> None:
        if script.payments.customer is None:
            script.join(when)
        intent = script.payments.open_intent(when, 6_500, "jpy", "Data export")
        script.payments.charge(when, intent, None, 10)

    script.do("2026-01-05T00:00:00Z", buy)
    script.do("2026-03-05T00:00:00Z", buy)
    return script


@pytest.fixture(scope="module")
def company() -> Company:
    company = scripted_company("2025-12-20T00:00:00Z", _upgrader, _annual, _trialist, _shopper)
    company.extend(at("2026-06-01T00:00:00Z"))
    return company


def _rows(company: Company, currency: str, until: str) -> dict[str, tuple]:
    rows = Books(company).monthly(at(until))
    return {r["month"]: tuple(r[f] for f in FIELDS) for r in rows if r["currency"] == currency}


def test_monthly_books_of_subscribers(company: Company) -> None:
    assert _rows(company, "usd", "2026-06-01T00:00:00Z") == {
        #          mrr      paying active new retained returning churned revenue charges refunds failed
        "2025-12": ("0", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        "2026-01": ("2900", 1, 1, 1, 0, 0, 0, 2900, 1, 0, 0),
        "2026-02": ("12800", 2, 2, 1, 1, 0, 0, 5800, 2, 0, 1),
        "2026-03": ("12800", 2, 2, 0, 2, 0, 0, 16300, 2, 0, 0),
        "2026-04": ("2900", 1, 1, 0, 1, 0, 1, 2900, 1, 0, 0),
        "2026-05": ("2900", 1, 1, 0, 1, 0, 0, 2900, 1, 0, 0),
    }


def test_annual_price_counts_a_twelfth_and_failed_refunds_do_not(company: Company) -> None:
    rows = _rows(company, "eur", "2026-04-01T00:00:00Z")
    assert rows["2026-01"] == ("7416.666667", 1, 1, 1, 0, 0, 0, 89_000, 1, 0, 0)
    assert rows["2026-02"] == ("7416.666667", 1, 0, 0, 0, 0, 1, 0, 0, 10_000, 0)
    assert rows["2026-03"] == ("7416.666667", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_pending_refund_counts_until_it_fails(company: Company) -> None:
    assert _rows(company, "eur", "2026-02-10T00:00:00Z")["2026-02"][9] == 15_000
    assert _rows(company, "eur", "2026-02-10T00:00:01Z")["2026-02"][9] == 10_000


def test_one_time_buyer_churns_and_returns(company: Company) -> None:
    assert _rows(company, "jpy", "2026-05-01T00:00:00Z") == {
        "2025-12": ("0", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        "2026-01": ("0", 0, 1, 1, 0, 0, 0, 6500, 1, 0, 0),
        "2026-02": ("0", 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
        "2026-03": ("0", 0, 1, 0, 0, 1, 0, 6500, 1, 0, 0),
        "2026-04": ("0", 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
    }


def test_open_month_ends_at_until_which_is_exclusive(company: Company) -> None:
    noon = _rows(company, "usd", "2026-02-10T13:00:00Z")["2026-02"]
    after = _rows(company, "usd", "2026-02-10T13:00:01Z")["2026-02"]
    assert noon[7] == 2900
    assert after[7] == 5800
    assert _rows(company, "usd", "2026-01-10T12:00:00Z") == {}
    assert _rows(company, "usd", "2026-01-10T12:00:01Z")["2026-01"][:2] == ("2900", 1)


def test_trial_is_not_in_mrr_until_it_is_active(company: Company) -> None:
    assert _rows(company, "usd", "2026-02-01T00:00:00Z")["2026-01"][0] == "2900"
    assert _rows(company, "usd", "2026-02-01T00:00:01Z")["2026-02"][0] == "5800"


def test_books_by_customer(company: Company) -> None:
    rows = Books(company).customers(at("2026-04-15T00:00:00Z"))
    upgrader = next(row for row in rows if row["currency"] == "usd" and row["payments"] == 3)
    assert upgrader["revenue_minor"] == 2900 + 2900 + 13_400
    assert upgrader["first_paid_at"] == "2026-01-10T12:00:00Z"
    assert upgrader["last_paid_at"] == "2026-03-10T13:00:00Z"
    annual = next(row for row in rows if row["currency"] == "eur")
    assert (annual["payments"], annual["revenue_minor"], annual["refunded_minor"]) == (1, 89_000, 10_000)


def test_proration_lines_are_on_the_next_invoice(company: Company) -> None:
    invoices = [h.state for h in company.objects["invoice"].histories if h.created == at("2026-03-10T12:00:00Z")]
    (invoice,) = invoices
    assert [(line.amount, line.is_proration) for line in invoice.lines] == [
        (-1450, True),
        (4950, True),
        (9900, False),
    ]


def test_declined_payment_is_retried_after_three_days(company: Company) -> None:
    trialist = next(m for m in company.members if m.ledger.stream == 3)
    charges = [
        h.state for h in company.objects["charge"].histories if h.state.customer == trialist.payments.customer.id
    ]
    assert [(charge.is_paid, charge.created) for charge in charges[:2]] == [
        (False, at("2026-02-01T01:00:00Z")),
        (True, at("2026-02-04T01:00:00Z")),
    ]
    states = [
        (state.status, when)
        for h in company.objects["subscription"].histories
        if h.state.customer == trialist.payments.customer.id
        for state, when in zip(h.states, h.ats, strict=True)
    ]
    assert [status for status, _ in states[:4]] == ["trialing", "active", "past_due", "active"]


def test_credit_of_a_downgrade_is_carried_to_the_next_invoice() -> None:
    company = scripted_company("2025-12-20T00:00:00Z", downgrader)
    company.extend(at("2026-03-20T00:00:00Z"))
    invoices = [history.state for history in company.objects["invoice"].histories]
    assert [line.amount for line in invoices[1].lines] == [-4471, 1310, 2900]
    assert [(i.total, i.starting_balance, i.amount_due, i.ending_balance) for i in invoices] == [
        (9900, 0, 9900, 0),
        (-261, 0, 0, -261),
        (2900, -261, 2639, 0),
    ]
    assert [row["revenue_minor"] for row in Books(company).monthly(at("2026-03-20T00:00:00Z"))] == [
        0,
        9900,
        0,
        2639,
    ]


def test_who_returns_with_a_credit_that_suffices_is_active_without_a_charge() -> None:
    def returner(index: int, catalog: Catalog) -> Scripted:
        """Pro for a year from 10 January, starter by the month from 20 January; leaves, and is back on 1 March."""
        script = Scripted(index, "usd", catalog)

        def start(when: int) -> None:
            agreement = script.subscribe(when, "pro", "year")
            starter = Choice(script.price("starter", "month", when), 1)
            billing, request = script.billing, script.ledger.request
            script.do("2026-01-20T00:00:00Z", lambda at: script.changes.change_item(at, agreement, 0, starter))
            script.do(
                "2026-02-01T00:00:00Z",
                lambda at: billing.cancel_now(at, agreement, "cancellation_requested", None, request()),
            )
            for day, is_created_paid in (("2026-03-01T00:00:00Z", False), ("2026-03-02T00:00:00Z", True)):
                script.do(
                    day,
                    lambda at, paid=is_created_paid: billing.subscribe(at, [starter], request(), 0, paid),
                )

        script.do("2026-01-10T00:00:00Z", start)
        return script

    company = scripted_company("2025-12-20T00:00:00Z", returner)
    company.extend(at("2026-03-20T00:00:00Z"))
    credit, *later = [history.state for history in company.objects["invoice"].histories][1:]
    assert credit.ending_balance < -5800
    assert [(i.status, i.amount_due, i.ending_balance - i.starting_balance) for i in later] == [("paid", 0, 2900)] * 2
    returned = [history.state for history in company.objects["subscription"].histories][1:]
    assert [state.status for state in returned] == ["active", "active"]
    assert len(company.objects["charge"].histories) == 1
