"""The books of payments: who came back, what cohorts brought, what was recovered, fees. From the state alone."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from simulator.books_money import day_name, dispute_movements
from simulator.company import Company
from simulator.periods import month_name
from simulator.states import Charge

RECOVERY_SECONDS = 60 * 86_400
"""After so long without a try a payment is lost: Stripe tries again for two months at most."""


class PaymentBooks:
    """`until` is exclusive everywhere, as in `Books`; months are UTC, amounts minor units of the payments' currency."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def returns(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, month and later month: customers who paid in both."""
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        for (currency, _), months in self._months_paid(until).items():
            for month in months:
                for later in months:
                    if later > month:
                        counts[currency, month, later] += 1
        return [
            {"currency": currency, "month": month, "later_month": later, "customers": count}
            for (currency, month, later), count in sorted(counts.items())
        ]

    def cohorts(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, month of first payment and month in which money moved: net of refunds and disputes."""
        first = {owner: min(months) for owner, months in self._months_paid(until).items()}
        net: dict[tuple[str, str, str], int] = defaultdict(int)
        for currency, customer, at, amount in self._movements(until):
            net[currency, first[currency, customer], month_name(at)] += amount
        return [
            {"currency": currency, "cohort_month": cohort, "month": month, "net_minor": amount}
            for (currency, cohort, month), amount in sorted(net.items())
        ]

    def recovery(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, month and reason of the first failure, by what became of the payment by then."""
        attempts: dict[str, list[Charge]] = defaultdict(list)
        for history in self._company.objects["charge"].histories:
            state = history.state_before(until)
            if state is not None:
                attempts[state.payment_intent].append(state)
        given_up = self._given_up(until)
        cells: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for intent, charges in attempts.items():
            first = charges[0]
            if first.is_paid or first.failure is None:
                continue
            code = "expired_card" if first.failure == "expired_card" else "card_declined"
            cell = cells[first.currency, month_name(first.created), code]
            cell["failed"] += 1
            cell["retried"] += len(charges) > 1
            cell["attempts"] += len(charges)
            cell["failed_minor"] += first.amount
            if any(charge.is_paid for charge in charges):
                cell["recovered"] += 1
                cell["recovered_minor"] += first.amount
            elif intent in given_up or charges[-1].created + RECOVERY_SECONDS < until:
                cell["lost"] += 1
            else:
                cell["open"] += 1
        names = ("failed", "retried", "recovered", "lost", "open", "attempts", "failed_minor", "recovered_minor")
        return [
            {"currency": currency, "month": month, "failure_code": code} | {name: cell[name] for name in names}
            for (currency, month, code), cell in sorted(cells.items())
        ]

    def fees(self, until: float) -> list[dict[str, Any]]:
        """One row a currency and day with fees, in the currency of the payment; a fraction of minor units, in text."""
        fees: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        currencies = {
            history.id: history.state.currency
            for kind in ("charge", "refund", "dispute")
            for history in self._company.objects[kind].histories
        }
        for history in self._company.objects["balance_transaction"].histories:
            state = history.state_before(until)
            if state is None:
                continue
            fee = Fraction(state.fee - (state.amount if state.type == "stripe_fee" else 0))
            if state.exchange_rate is not None:
                fee /= Fraction(state.exchange_rate)
            if fee:
                paid_in = currencies[state.source] if state.exchange_rate is not None else state.currency
                fees[paid_in, day_name(state.created)] += fee
        return [
            {"currency": currency, "day": day, "fees_minor": str(fee)} for (currency, day), fee in sorted(fees.items())
        ]

    def _months_paid(self, until: float) -> dict[tuple[str, str], set[str]]:
        """(currency, customer) -> the months with a successful charge."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for history in self._company.objects["charge"].histories:
            state = history.state_before(until)
            if state is not None and state.is_paid:
                found[state.currency, state.customer].add(month_name(state.created))
        return found

    def _movements(self, until: float) -> list[tuple[str, str, int, int]]:
        """(currency, customer, second, signed amount) of all money from and to customers."""
        charges = self._company.objects["charge"].by_id
        found = []
        for history in self._company.objects["charge"].histories:
            state = history.state_before(until)
            if state is not None and state.is_paid:
                found.append((state.currency, state.customer, state.created, state.amount))
        for history in self._company.objects["refund"].histories:
            state = history.state_before(until)
            if state is not None and state.status != "failed":
                owner = charges[state.charge].state.customer
                found.append((state.currency, owner, state.created, -state.amount))
        for movement in dispute_movements(self._company, until):
            owner = charges[movement.charge].state.customer
            found.append((movement.currency, owner, movement.at, -movement.amount))
        return found

    def _given_up(self, until: float) -> set[str]:
        """Payment intents that nobody collects any more."""
        found = set()
        over = set()
        for history in self._company.objects["payment_intent"].histories:
            state = history.state_before(until)
            if state is not None and state.status == "canceled":
                found.add(state.id)
        for history in self._company.objects["invoice"].histories:
            state = history.state_before(until)
            if state is not None and state.status in ("void", "uncollectible", "paid"):
                over.add(state.id)
        for history in self._company.objects["invoice_payment"].histories:
            state = history.state_before(until)
            if state is not None and state.invoice in over:
                found.add(state.payment_intent)
        return found
