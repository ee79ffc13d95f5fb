"""The company's own books: what was true, computed from the generator's state and never from the JSON."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from simulator.books_money import dispute_movements
from simulator.clock import format_instant
from simulator.company import Company
from simulator.ledger import History
from simulator.periods import month_name, month_spans

_COUNTED = ("active", "past_due")
_MONTHLY = {"month": Fraction(1), "year": Fraction(1, 12)}
_MRR_PLACES = Decimal("0.000001")


class Books:
    """`until` is exclusive everywhere: only what happened before it counts."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def monthly(self, until: float) -> list[dict[str, Any]]:
        """One row for every currency in use and UTC month from the founding to `until`, also quiet months.

        Amounts are in minor units. MRR and paying customers are as of the month's end, or of `until` in the
        month that is still open; `mrr_minor` is a decimal string with at most six places. Disputes count when
        the money went, and less what came back when it did, so that a month can be negative. A customer is
        active in a month with a successful charge in it; new in the first such month; retained if the month
        before was active too, returning if not; churned if active in the month before and not in this one.
        """
        paid: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        failed: dict[tuple[str, str], int] = defaultdict(int)
        refunded: dict[tuple[str, str], int] = defaultdict(int)
        currencies = set()
        for charge in self._states("charge", until):
            cell = (charge.currency, month_name(charge.created))
            currencies.add(charge.currency)
            if charge.is_paid:
                paid[cell][charge.customer].append(charge.amount)
            else:
                failed[cell] += 1
        for refund in self._states("refund", until):
            if refund.status != "failed":
                refunded[refund.currency, month_name(refund.created)] += refund.amount
        disputed: dict[tuple[str, str], int] = defaultdict(int)
        for movement in dispute_movements(self._company, until):
            disputed[movement.currency, month_name(movement.at)] += movement.amount
        subscriptions = defaultdict(list)
        for history in self._company.objects["subscription"].histories:
            if history.created < until:
                subscriptions[history.state.currency].append(history)
        rows = []
        for currency in sorted(currencies | subscriptions.keys()):
            before: set[str] = set()
            ever: set[str] = set()
            for month, _, end in month_spans(self._company.founded, until):
                amounts = paid.get((currency, month), {})
                active = set(amounts)
                mrr = self.mrr_by_customer(subscriptions[currency], min(end, until))
                rows.append(
                    {
                        "currency": currency,
                        "month": month,
                        "mrr_minor": _decimal_text(sum(mrr.values(), Fraction(0))),
                        "paying_customers": sum(value > 0 for value in mrr.values()),
                        "active_customers": len(active),
                        "new_customers": len(active - ever),
                        "retained_customers": len(active & before),
                        "returning_customers": len((active & ever) - before),
                        "churned_customers": len(before - active),
                        "revenue_minor": sum(map(sum, amounts.values())),
                        "charges": sum(map(len, amounts.values())),
                        "refunds_minor": refunded[currency, month],
                        "disputes_minor": disputed[currency, month],
                        "failed_charges": failed[currency, month],
                    }
                )
                ever |= active
                before = active
        return rows

    def customers(self, until: float) -> list[dict[str, Any]]:
        """One row a customer, deleted ones too, in the order they joined; instants in ISO 8601, UTC."""
        rows: dict[str, dict[str, Any]] = {}
        for customer in self._states("customer", until):
            rows[customer.id] = {
                "id": customer.id,
                "currency": customer.currency,
                "payments": 0,
                "revenue_minor": 0,
                "first_paid_at": None,
                "last_paid_at": None,
                "refunded_minor": 0,
                "disputes_minor": 0,
            }
        for charge in self._states("charge", until):
            row = rows[charge.customer]
            row["currency"] = charge.currency
            if charge.is_paid:
                row["payments"] += 1
                row["revenue_minor"] += charge.amount
                row["last_paid_at"] = format_instant(charge.created)
                row["first_paid_at"] = row["first_paid_at"] or row["last_paid_at"]
        charges = self._company.objects["charge"].by_id
        for refund in self._states("refund", until):
            if refund.status != "failed":
                rows[charges[refund.charge].state.customer]["refunded_minor"] += refund.amount
        for movement in dispute_movements(self._company, until):
            rows[charges[movement.charge].state.customer]["disputes_minor"] += movement.amount
        return list(rows.values())

    def mrr_by_customer(self, subscriptions: list[History], until: float) -> dict[str, Fraction]:
        """M of every customer just before `until`: active and past due counted, a year as twelve months."""
        catalog = self._company.catalog
        total: dict[str, Fraction] = defaultdict(Fraction)
        for history in subscriptions:
            state = _before(history, until)
            if state is None or state.status not in _COUNTED:
                continue
            for item in state.items:
                price = catalog.price(item.price)
                total[state.customer] += price.unit_amount * item.quantity * _MONTHLY[str(price.interval)]
        return total

    def _states(self, kind: str, until: float) -> Iterator[Any]:
        """The states, just before `until`, of all objects of a kind that were created before it."""
        for history in self._company.objects[kind].histories:
            state = _before(history, until)
            if state is not None:
                yield state


def _before(history: History, until: float) -> Any | None:
    return history.state_before(until)


def _decimal_text(value: Fraction) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{exact.quantize(_MRR_PLACES):f}"
    return text.rstrip("0").rstrip(".")
