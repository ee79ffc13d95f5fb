"""The books of plans: renewals, trials, metered usage. From the generator's state alone."""

from collections import defaultdict
from typing import Any

from simulator.company import Company
from simulator.periods import DAY, month_name
from simulator.states import Invoice, Subscription

_CONVERTS_WITHIN = 30 * DAY


class PlanBooks:
    """`until` is exclusive everywhere, as in `Books`; months are UTC, amounts minor units."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def renewals(self, until: float) -> list[dict[str, Any]]:
        """One row a price, month of start and renewal that somebody was billed for; 0 tells how many started.

        A subscription counts for every price that it began with. Its renewals are the invoices of its cycles, but
        for the one that ends a trial and the one that only settles what was used until its end. A draft is one that is
        not paid: where collection is paused, invoices may stay drafts, and the cycles go on.
        """
        invoices = self._invoices(until)
        cells: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
        for first, last, trial_end in self._subscriptions(until):
            if last.status in ("incomplete", "incomplete_expired"):
                continue
            cycles = [
                invoice
                for invoice in invoices[last.id]
                if invoice.billing_reason == "subscription_cycle" and invoice.created not in (trial_end, last.ended_at)
            ]
            for price in {item.price for item in first.items}:
                cohort = (price, month_name(first.created))
                cells[*cohort, 0][0] += 1
                for number, invoice in enumerate(cycles, start=1):
                    cells[*cohort, number][0] += 1
                    cells[*cohort, number][1] += invoice.status == "paid"
        return [
            {"price": price, "month": month, "renewal": renewal, "subscriptions": count, "paid": paid}
            for (price, month, renewal), (count, paid) in sorted(cells.items())
        ]

    def trials(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, month and basis: trials by the month in which they started or ended, and who paid."""
        invoices = self._invoices(until)
        cells: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for first, last, trial_end in self._subscriptions(until):
            if first.trial_start is None or trial_end is None:
                continue
            ended = min(trial_end, last.ended_at or trial_end)
            finished = (invoice for invoice in invoices[last.id] if invoice.status != "draft")
            due = next((invoice for invoice in finished if invoice.total > 0), None)
            is_converted = due is not None and due.paid_at is not None and due.paid_at < ended + _CONVERTS_WITHIN
            for basis, at in (("started", first.trial_start), ("ended", ended)):
                cell = cells[last.currency, basis, month_name(at)]
                cell[0] += 1
                cell[1] += is_converted
        return [
            {"currency": currency, "basis": basis, "month": month, "trials": trials, "converted": converted}
            for (currency, basis, month), (trials, converted) in sorted(cells.items())
        ]

    def usage(self, until: float) -> list[dict[str, Any]]:
        """One row a metered price and month of invoice: what was used, and what it was billed for."""
        catalog = self._company.catalog
        cells: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for invoices in self._invoices(until).values():
            for invoice in invoices:
                if invoice.status in ("void", "draft"):
                    continue
                for line in invoice.lines:
                    if catalog.price(line.price).is_metered:
                        cell = cells[line.price, invoice.currency, month_name(invoice.created)]
                        cell[0] += line.quantity
                        cell[1] += line.amount
        return [
            {"price": price, "currency": currency, "month": month, "quantity": quantity, "amount_minor": amount}
            for (price, currency, month), (quantity, amount) in sorted(cells.items())
        ]

    def risks(self, until: float) -> list[dict[str, Any]]:
        """One row a subscription that runs and reason why it may end, but for its card."""
        rows = []
        for _, last, _ in self._subscriptions(until):
            if last.status in ("past_due", "unpaid"):
                rows.append({"subscription": last.id, "reason": last.status})
            if last.status in ("trialing", "active", "past_due", "unpaid") and last.cancel_at_period_end:
                rows.append({"subscription": last.id, "reason": "cancel_scheduled"})
        return rows

    def _subscriptions(self, until: float) -> list[tuple[Subscription, Subscription, int | None]]:
        """(as it began, as it is, when the trial that it began with ends) of each that began before `until`."""
        found = []
        for history in self._company.objects["subscription"].histories:
            first, last = history.states[0], history.state_before(until)
            if last is not None:
                # free time that is given later is no trial, though Stripe shows it as one
                known = [state for at, state in zip(history.ats, history.states, strict=True) if at < until]
                ends = [state.trial_end for state in known if state.trial_start == first.trial_start]
                found.append((first, last, ends[-1]))
        return found

    def _invoices(self, until: float) -> dict[str, list[Invoice]]:
        """Each subscription's invoices, in the order of their creation."""
        found: dict[str, list[Invoice]] = defaultdict(list)
        for history in self._company.objects["invoice"].histories:
            state: Invoice | None = history.state_before(until)
            if state is not None:
                found[state.subscription].append(state)
        return found
