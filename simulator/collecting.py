"""Collecting what subscriptions owe: at once or an hour later, the retries, and the end of patience."""

from collections.abc import Callable

from simulator.agreement import Agreement
from simulator.invoicing import InvoiceRun, Invoicing
from simulator.ledger import History, Ledger, Request
from simulator.payments import Payments
from simulator.periods import DAY, HOUR
from simulator.timeline import Timeline

_EXPIRES_AFTER = 23 * HOUR
_CHANGED = "customer.subscription.updated"


class Collecting:
    """The open invoices of one customer's subscriptions.

    `on_paid(at, agreement, charge)` is called after each payment; `on_expired(at, agreement)` when a first
    invoice was never paid; `on_given_up(at, agreement)` when no retry helped.
    """

    def __init__(self, timeline: Timeline, payments: Payments, invoicing: Invoicing) -> None:
        self.ledger: Ledger = invoicing.ledger
        self.timeline = timeline
        self.payments = payments
        self.invoicing = invoicing
        self.decisions = invoicing.decisions
        self.on_paid: Callable[[int, Agreement, History], None] = lambda at, agreement, charge: None
        self.on_expired: Callable[[int, Agreement], None] = lambda at, agreement: None
        self.on_given_up: Callable[[int, Agreement], None] = lambda at, agreement: None

    def open(self, agreement: Agreement, invoice: History) -> InvoiceRun:
        """An invoice that decides the subscription's status."""

        def settled(at: int, run: InvoiceRun, charge: History | None) -> None:
            agreement.open_run = None
            if agreement.state.status in ("past_due", "incomplete", "unpaid"):
                self._reactivate(at, agreement)
            if charge is not None:
                self.on_paid(at, agreement, charge)

        def failed(at: int, run: InvoiceRun) -> None:
            self._after_failure(at, agreement, run)

        agreement.open_run = InvoiceRun(invoice, settled, failed)
        return agreement.open_run

    def open_last(self, agreement: Agreement, invoice: History) -> InvoiceRun:
        """The invoice of a subscription that is over by the time it is due: it is tried once."""

        def settled(at: int, run: InvoiceRun, charge: History | None) -> None:
            if charge is not None:
                self.on_paid(at, agreement, charge)

        def failed(at: int, run: InvoiceRun) -> None:
            self.invoicing.mark_uncollectible(at, run)

        return InvoiceRun(invoice, settled, failed)

    def now(self, at: int, run: InvoiceRun, request: Request) -> None:
        """Finalize an invoice and collect it."""
        self.invoicing.finalize(at, run, request)
        if run.intent is not None:  # a trial costs nothing, and a credit of an earlier subscription may suffice
            self.invoicing.attempt(at + self.decisions.seconds(0, 1), run, request)

    def later(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        """Do so by itself at `at` or somewhat after it."""
        self.timeline.schedule(at + self.decisions.seconds(0, 90), self._collect, agreement, run)

    def _collect(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if run.invoice.state.status != "draft" or self.payments.customer_history.state.is_deleted:
            return
        pause = agreement.state.pause
        if pause is not None:
            agreement.open_run = None
            self.invoicing.set_aside(at, run, pause)
            return
        self.invoicing.finalize(at, run)
        if run.intent is not None:
            self.invoicing.attempt(at + self.decisions.seconds(0, 2), run)

    def _reactivate(self, at: int, agreement: Agreement) -> None:
        event = _CHANGED if agreement.is_published else None
        self.ledger.update(agreement.history, at, event, status="active")
        if self.payments.customer_history.state.delinquent:
            self.payments.update_customer(at, delinquent=False)

    def _after_failure(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        invoice = run.invoice.state
        if agreement.state.status == "incomplete":
            if invoice.attempt_count == 1:
                expires_at = agreement.state.created + _EXPIRES_AFTER
                self.timeline.schedule(expires_at, self._expire, agreement, run)
            return
        if agreement.state.status == "active":
            self.ledger.update(agreement.history, at, _CHANGED, status="past_due")
            if not self.payments.customer_history.state.delinquent:
                self.payments.update_customer(at, delinquent=True)
        if invoice.next_payment_attempt is not None:
            self.timeline.schedule(invoice.next_payment_attempt, self._retry, agreement, run)
        elif self.decisions.is_left_unpaid():
            self.ledger.update(agreement.history, at, _CHANGED, status="unpaid")
            self.timeline.schedule(at + 14 * DAY, self._give_up, agreement)
        else:
            self.timeline.schedule(at + 1, self._give_up, agreement)

    def _retry(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if agreement.open_run is run:
            self.invoicing.attempt(at, run)

    def _give_up(self, at: int, agreement: Agreement) -> None:
        self.on_given_up(at, agreement)

    def _expire(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if agreement.state.status != "incomplete":
            return
        agreement.open_run = None
        agreement.token += 1
        self.invoicing.void(at, run)
        self.ledger.update(agreement.history, at, _CHANGED, status="incomplete_expired", ended_at=at)
        self.on_expired(at, agreement)
