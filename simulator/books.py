"""The company's own books: what was true, computed from the generator's state and never from the JSON."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from simulator.books_money import dispute_movements
from simulator.books_subscribers import SubscriberBooks
from simulator.clock import format_instant
from simulator.company import Company
from simulator.ledger import History
from simulator.movements import Movements
from simulator.mrr import RecurringRevenue
from simulator.periods import month_name, month_spans

_MRR_PLACES = Decimal("0.000001")


class Books:
    """`until` is exclusive everywhere: only what happened before it counts."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.recurring = RecurringRevenue(company)
        self.movements = Movements(self.recurring)
        self.subscribers = SubscriberBooks(self.recurring, self.movements)

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
        subscribed = {h.state.currency for h in self._company.objects["subscription"].histories if h.created < until}
        months = list(month_spans(self._company.founded, until))
        recurring = self.recurring.at_each([min(end, until) for _, _, end in months]) if months else []
        disputed: dict[tuple[str, str], int] = defaultdict(int)
        for movement in dispute_movements(self._company, until):
            disputed[movement.currency, month_name(movement.at)] += movement.amount
        rows = []
        for currency in sorted(currencies | subscribed):
            before: set[str] = set()
            ever: set[str] = set()
            for (month, _, _), customers in zip(months, recurring, strict=True):
                amounts = paid.get((currency, month), {})
                active = set(amounts)
                mrr = [value for (of, _), value in customers.items() if of == currency]
                rows.append(
                    {
                        "currency": currency,
                        "month": month,
                        "mrr_minor": _decimal_text(sum(mrr, Fraction(0))),
                        "paying_customers": sum(value > 0 for value in mrr),
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
