"""Movements of money computed by hand: what settles, what is disputed, what is paid out."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from simulator.balance import exchange_rate, settle
from simulator.books import Books
from simulator.books_money import MoneyBooks
from simulator.catalog import Catalog
from simulator.company import Company
from simulator.disputes import Disputes
from simulator.ledger import History
from simulator.treasury import next_business_day
from tests.simulator.scripted import Scripted, at, scripted_company

DAY = 86_400


def _payer(
    currency: str, amount: int, when: str, then: Callable[[Scripted, History], None] = lambda script, charge: None
) -> Callable[[int, Catalog], Scripted]:
    """A customer who pays once, after which `then` writes down what follows."""

    def make(index: int, catalog: Catalog) -> Scripted:
        script = Scripted(index, currency, catalog)

        def pay(moment: int) -> None:
            script.join(moment)
            intent = script.payments.open_intent(moment, amount, currency, "Data export")
            then(script, script.payments.charge(moment, intent, None, 10))

        script.do(when, pay)
        return script

    return make


def _live(until: str, *makers: Callable[[int, Catalog], Scripted]) -> Company:
    company = scripted_company("2025-12-20T00:00:00Z", *makers)
    company.extend(at(until))
    return company


def _transactions(company: Company, *, without: tuple[str, ...] = ("payout",)) -> list[tuple]:
    states = [history.state for history in company.objects["balance_transaction"].histories]
    return [(s.type, s.currency, s.amount, s.fee, s.net) for s in states if s.type not in without]


def _events(company: Company, kind: str) -> list[str]:
    return [event.type for event in company.events if event.kind == kind]


def test_charge_settles_less_a_share_and_a_fixed_fee() -> None:
    company = _live("2026-01-12T00:00:00Z", _payer("usd", 9_950, "2026-01-10T00:00:00Z"))
    assert _transactions(company) == [("charge", "usd", 9_950, 289 + 30, 9_631)]
    (transaction,) = (history.state for history in company.objects["balance_transaction"].histories)
    (charge,) = (history.state for history in company.objects["charge"].histories)
    assert (transaction.source, charge.balance_transaction) == (charge.id, transaction.id)
    assert transaction.exchange_rate is None


def test_other_currencies_settle_in_usd_at_the_rate_of_the_day_and_cost_a_conversion() -> None:
    company = _live(
        "2026-01-12T00:00:00Z",
        _payer("jpy", 6_500, "2026-01-10T00:00:00Z"),
        _payer("kwd", 12_340, "2026-01-10T12:00:00Z"),
    )
    day = at("2026-01-10T00:00:00Z") // DAY
    for history, (currency, amount) in zip(
        company.objects["balance_transaction"].histories, (("jpy", 6_500), ("kwd", 12_340)), strict=True
    ):
        state = history.state
        assert state.currency == "usd"
        assert state.exchange_rate == exchange_rate(currency, day)
        assert abs(state.amount - amount * state.exchange_rate) <= Decimal("0.5")
        assert [fee.description for fee in state.fees] == ["Stripe processing fees", "Stripe currency conversion fee"]
        assert state.fees[1].amount == round(state.amount / 100)


def test_rates_change_by_day_and_stay_near_what_they_are() -> None:
    rates = [exchange_rate("jpy", day) for day in range(20_000, 20_400)]
    assert len(set(rates)) > 390
    assert Decimal("0.6") < min(rates) < max(rates) < Decimal("0.75")


def test_currency_without_a_rate_is_named() -> None:
    with pytest.raises(LookupError, match="chf"):
        settle(100, "chf", at("2026-01-10T00:00:00Z"))


def test_money_that_leaves_is_rounded_as_money_that_comes() -> None:
    moment = at("2026-01-10T00:00:00Z")
    for amount in range(1, 200):
        assert settle(-amount, "jpy", moment).amount == -settle(amount, "jpy", moment).amount


def test_failed_refund_comes_back_into_the_balance() -> None:
    def refund(script: Scripted, charge: History) -> None:
        def begin(moment: int) -> None:
            pending = script.payments.refund(moment, charge, 400, "pending", None)
            script.do(
                "2026-01-20T00:00:00Z",
                lambda later: script.payments.fail_refund(later, pending, charge, "expired_or_canceled_card"),
            )

        script.do("2026-01-11T00:00:00Z", begin)

    company = _live("2026-02-01T00:00:00Z", _payer("eur", 1_000, "2026-01-10T00:00:00Z", refund))
    assert _transactions(company) == [
        ("charge", "eur", 1_000, 59, 941),
        ("refund", "eur", -400, 0, -400),
        ("refund_failure", "eur", 400, 0, 400),
    ]
    (refund_state,) = (history.state for history in company.objects["refund"].histories)
    ids = [history.id for history in company.objects["balance_transaction"].histories if history.state.source]
    assert {refund_state.balance_transaction, refund_state.failure_balance_transaction} <= set(ids)


def _dispute(script: Scripted, charge: History, *, is_inquiry: bool, escalates: bool, is_won: bool) -> None:
    """Opened on 15 January, escalated on 20 January, answered on 25 January, closed on 5 March."""
    disputes = Disputes(script.payments)

    def begin(moment: int) -> None:
        dispute = disputes.open(moment, charge, "fraudulent", is_inquiry)
        if escalates:
            script.do("2026-01-20T00:00:00Z", lambda later: disputes.escalate(later, dispute, charge))
        script.do("2026-01-25T00:00:00Z", lambda later: disputes.answer(later, dispute))
        script.do("2026-03-05T00:00:00Z", lambda later: disputes.close(later, dispute, charge, is_won))

    script.do("2026-01-15T00:00:00Z", begin)


def _disputed(is_inquiry: bool = False, escalates: bool = False, is_won: bool = False) -> Company:
    def then(script: Scripted, charge: History) -> None:
        _dispute(script, charge, is_inquiry=is_inquiry, escalates=escalates, is_won=is_won)

    return _live("2026-04-01T00:00:00Z", _payer("usd", 1_000, "2026-01-10T00:00:00Z", then))


def test_won_dispute_takes_the_money_and_a_fee_and_gives_the_money_back() -> None:
    company = _disputed(is_won=True)
    assert _transactions(company, without=("payout", "stripe_fee", "adjustment")) == [
        ("charge", "usd", 1_000, 59, 941),
    ]
    (dispute,) = (history.state for history in company.objects["dispute"].histories)
    assert [(t.amount, t.fee, t.net, t.reporting_category) for t in dispute.balance_transactions] == [
        (-1_000, 1_500, -2_500, "dispute"),
        (1_000, 0, 1_000, "dispute_reversal"),
    ]
    assert dispute.status == "won"
    assert _events(company, "dispute") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert _events(company, "charge") == ["charge.succeeded", "charge.updated"]


def test_dispute_counts_in_the_month_in_which_its_money_moved() -> None:
    company = _disputed(is_won=True)
    books = Books(company)
    monthly = {row["month"]: row["disputes_minor"] for row in books.monthly(at("2026-04-01T00:00:00Z"))}
    assert monthly == {"2025-12": 0, "2026-01": 1_000, "2026-02": 0, "2026-03": -1_000}
    for until, net in (("2026-01-15T00:00:00Z", 0), ("2026-01-15T00:00:01Z", 1_000), ("2026-03-05T00:00:01Z", 0)):
        assert books.customers(at(until))[0]["disputes_minor"] == net


def test_lost_dispute_stays_taken() -> None:
    company = _disputed()
    assert sum(row["disputes_minor"] for row in Books(company).monthly(at("2026-04-01T00:00:00Z"))) == 1_000
    assert _events(company, "dispute")[-1] == "charge.dispute.closed"


def test_inquiry_moves_no_money() -> None:
    company = _disputed(is_inquiry=True)
    (dispute,) = (history.state for history in company.objects["dispute"].histories)
    assert (dispute.status, dispute.balance_transactions) == ("warning_closed", ())
    assert _events(company, "dispute") == ["charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"]
    assert sum(row["disputes_minor"] for row in Books(company).monthly(at("2026-04-01T00:00:00Z"))) == 0


def test_escalated_inquiry_takes_the_money_when_it_becomes_a_dispute() -> None:
    company = _disputed(is_inquiry=True, escalates=True)
    (dispute,) = (history.state for history in company.objects["dispute"].histories)
    assert dispute.status == "lost"
    assert [t.created for t in dispute.balance_transactions] == [at("2026-01-20T00:00:00Z")]


def test_charge_that_a_dispute_took_cannot_be_refunded() -> None:
    company = _disputed(is_won=True)
    (charge,) = company.objects["charge"].histories
    assert charge.state_at(at("2026-01-14T00:00:00Z")).refundable == 1_000
    assert charge.state_at(at("2026-01-15T00:00:00Z")).refundable == 0
    assert charge.state.refundable == 0


def test_payout_comes_two_days_later_on_a_business_day() -> None:
    company = _live("2026-02-01T00:00:00Z", _payer("eur", 1_000, "2026-01-15T08:00:00Z"))  # a Thursday
    (payout,) = company.objects["payout"].histories
    assert payout.created == at("2026-01-19T01:01:00Z")  # Saturday, when it is available, has no payouts
    assert payout.state.arrival_date == at("2026-01-20T00:00:00Z")
    assert MoneyBooks(company).payouts(at("2026-01-19T02:00:00Z")) == [
        {
            "id": payout.id,
            "currency": "eur",
            "created_at": "2026-01-19T01:01:00Z",
            "arrival_date": "2026-01-20",
            "status": "pending",
            "amount_minor": 941,
            "transactions": 1,
            "transactions_net_minor": 941,
        }
    ]


def test_small_or_negative_balance_waits_for_the_next_payout() -> None:
    def give_back(script: Scripted, charge: History) -> None:
        script.do("2026-01-20T00:00:00Z", lambda when: script.payments.refund(when, charge, 1_000, "succeeded", None))

    company = _live(
        "2026-02-20T00:00:00Z",
        _payer("eur", 1_000, "2026-01-12T00:00:00Z", give_back),
        _payer("eur", 3_000, "2026-02-02T00:00:00Z"),
    )
    payouts = [history.state for history in company.objects["payout"].histories]
    assert [(p.created, p.amount) for p in payouts] == [
        (at("2026-01-14T01:01:00Z"), 941),
        (at("2026-02-04T01:01:00Z"), 3_000 - 117 - 1_000),
    ]


def test_next_business_day_leaps_over_the_weekend() -> None:
    friday = at("2026-01-16T00:00:00Z")
    assert next_business_day(friday) == at("2026-01-19T00:00:00Z")
    assert next_business_day(friday - DAY) == friday


def test_books_of_the_balance_by_day_and_type() -> None:
    company = _live(
        "2026-02-01T00:00:00Z",
        _payer("usd", 1_000, "2026-01-10T08:00:00Z"),
        _payer("usd", 2_000, "2026-01-10T20:00:00Z"),
    )
    assert MoneyBooks(company).balance(at("2026-01-11T00:00:00Z")) == [
        {
            "currency": "usd",
            "day": "2026-01-10",
            "type": "charge",
            "transactions": 2,
            "amount_minor": 3_000,
            "fee_minor": 59 + 88,
            "net_minor": 3_000 - 59 - 88,
        }
    ]
    assert MoneyBooks(company).balance(at("2026-01-10T08:00:00Z")) == []


def test_month_ends_with_a_fee_without_source_and_a_share_for_the_partner() -> None:
    company = _live("2026-02-20T00:00:00Z", _payer("usd", 10_000, "2026-01-10T08:00:00Z"))
    assert _transactions(company, without=("payout", "charge", "payout_failure", "transfer_refund")) == [
        ("stripe_fee", "usd", -5, 0, -5),
        ("transfer", "usd", -400, 0, -400),
    ]
    fee = next(h.state for h in company.objects["balance_transaction"].histories if h.state.type == "stripe_fee")
    assert (fee.created, fee.source) == (at("2026-02-01T06:00:00Z"), None)
    (transfer,) = company.objects["transfer"].histories
    assert (transfer.created, transfer.state.amount) == (at("2026-02-05T06:00:00Z"), 400)
