"""Subscriptions: periods, renewals, changes with prorations, ends, and what a failed payment does to them."""

from collections.abc import Callable, Sequence

from simulator.agreement import Agreement, Choice
from simulator.catalog import Catalog
from simulator.invoicing import FINALIZE_AFTER, Decisions, InvoiceRun, Invoicing
from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.lines import period_line, proration_lines
from simulator.payments import Payments
from simulator.periods import DAY, HOUR, add_months
from simulator.states import Item, Line, Subscription
from simulator.timeline import Timeline

_EXPIRES_AFTER = 23 * HOUR
_MONTHS = {"month": 1, "year": 12}


class Billing:
    """The subscriptions of one customer.

    `on_over(at, agreement)` is called when one ended; `on_paid(at, agreement, charge)` after each payment.
    """

    def __init__(
        self, ledger: Ledger, timeline: Timeline, catalog: Catalog, payments: Payments, decisions: Decisions
    ) -> None:
        self.ledger = ledger
        self.timeline = timeline
        self.catalog = catalog
        self.payments = payments
        self.decisions = decisions
        self.invoicing = Invoicing(ledger, payments, decisions)
        self.on_over: Callable[[int, Agreement], None] = lambda at, agreement: None
        self.on_paid: Callable[[int, Agreement, History], None] = lambda at, agreement, charge: None

    def subscribe(
        self,
        at: int,
        choices: Sequence[Choice],
        request: Request,
        trial_days: int = 0,
        is_created_paid: bool = False,
    ) -> Agreement:
        """Start a subscription. Its first invoice is finalized at once, and paid at once or never.

        `is_created_paid`: `customer.subscription.created` comes after the payment, as active; otherwise it
        comes first, as incomplete, and an update to active follows (in the same second, most often).
        """
        first = self.catalog.price(choices[0].price)
        customer = self.payments.customer_history.state
        if customer.currency is None:
            self.payments.update_customer(at, request, currency=first.currency)
        ids = self.ledger.ids
        months = _MONTHS[str(first.interval)]
        trial_end = at + trial_days * DAY if trial_days else None
        anchor = trial_end or at
        period_end = trial_end or add_months(at, months)
        subscription_id = ids.long("sub")
        invoice_id = ids.long("in")
        state = Subscription(
            id=subscription_id,
            created=at,
            customer=customer.id,
            currency=first.currency,
            status="trialing" if trial_end else "incomplete",
            items=tuple(Item(ids.short("si"), at, c.price, c.quantity, at, period_end) for c in choices),
            billing_cycle_anchor=anchor,
            trial_start=at if trial_end else None,
            trial_end=trial_end,
            cancel_at_period_end=False,
            canceled_at=None,
            cancel_reason=None,
            cancel_feedback=None,
            ended_at=None,
            latest_invoice=invoice_id,
            metadata=customer.metadata,
        )
        lines = [self._line(subscription_id, item, at, bool(trial_end)) for item in state.items]
        created = "customer.subscription.created"
        history = self.ledger.create("subscription", state, at, None if is_created_paid else created, request)
        agreement = Agreement(history, months, anchor, not is_created_paid)
        agreement.cycle = 0 if trial_end else 1
        period = (at, at)
        invoice = self.invoicing.draft(
            at,
            invoice_id,
            subscription_id,
            "subscription_create",
            first.currency,
            lines,
            period,
            None,
            request,
        )
        run = self._open(agreement, invoice)
        self.invoicing.finalize(at, run, request)
        if run.intent is not None:  # a trial costs nothing, and a credit of an earlier subscription may suffice
            self.invoicing.attempt(at + self.decisions.seconds(0, 1), run, request)
        if is_created_paid:
            self.ledger.emit(created, history, self.ledger.now, request)
            agreement.is_published = True
        self.timeline.schedule(period_end, self._renew, agreement, agreement.token)
        if trial_end:
            self.timeline.schedule(trial_end - 3 * DAY, self._announce_trial_end, agreement)
        return agreement

    def retry_first_payment(self, at: int, agreement: Agreement) -> None:
        """The customer tries again to pay the first invoice of an incomplete subscription."""
        if agreement.state.status == "incomplete" and agreement.open_run is not None:
            self.invoicing.attempt(at, agreement.open_run, self.ledger.request())

    def change_item(self, at: int, agreement: Agreement, position: int, choice: Choice) -> None:
        """Another price or quantity from now on; the difference is prorated onto the next invoice.

        A price with another interval starts a new period now and is invoiced now.
        """
        request = self.ledger.request()
        state = agreement.state
        old = state.items[position]
        months = _MONTHS[str(self.catalog.price(choice.price).interval)]
        if months == agreement.months:
            new = old._replace(price=choice.price, quantity=choice.quantity)
            agreement.prorations += self._prorate(at, state, old, new)
            items = (*state.items[:position], new, *state.items[position + 1 :])
            self.ledger.update(agreement.history, at, "customer.subscription.updated", request, items=items)
            return
        if len(state.items) > 1:
            raise ValueError(f"{state.id} has several items: its interval cannot change through one of them")
        end = add_months(at, months)
        new = old._replace(price=choice.price, quantity=choice.quantity, period_start=at, period_end=end)
        credit = self._prorate(at, state, old, None)
        lines = [*agreement.prorations, *credit, self._line(state.id, new, at)]
        agreement.prorations = []
        agreement.months, agreement.anchor, agreement.cycle = months, at, 1
        agreement.token += 1
        self.timeline.schedule(end, self._renew, agreement, agreement.token)
        invoice_id = self.ledger.ids.long("in")
        self.ledger.update(
            agreement.history,
            at,
            "customer.subscription.updated",
            request,
            items=(new,),
            billing_cycle_anchor=at,
            latest_invoice=invoice_id,
        )
        period = (old.period_start, at)
        invoice = self.invoicing.draft(
            at, invoice_id, state.id, "subscription_update", state.currency, lines, period, None, request
        )
        run = self._open(agreement, invoice)
        self.invoicing.finalize(at, run, request)
        if run.intent is not None:
            self.invoicing.attempt(at + self.decisions.seconds(0, 1), run, request)

    def cancel_at_period_end(self, at: int, agreement: Agreement, feedback: str | None) -> None:
        """The customer asks to leave when what is paid for has run out."""
        self.ledger.update(
            agreement.history,
            at,
            "customer.subscription.updated",
            self.ledger.request(),
            cancel_at_period_end=True,
            canceled_at=at,
            cancel_reason="cancellation_requested",
            cancel_feedback=feedback,
        )

    def keep(self, at: int, agreement: Agreement) -> None:
        """Take back a cancellation at the period's end."""
        self.ledger.update(
            agreement.history,
            at,
            "customer.subscription.updated",
            self.ledger.request(),
            cancel_at_period_end=False,
            canceled_at=None,
            cancel_reason=None,
            cancel_feedback=None,
        )

    def cancel_now(self, at: int, agreement: Agreement, reason: str, feedback: str | None, request: Request) -> None:
        """End the subscription; what is still open is given up."""
        if agreement.open_run is not None:
            self.invoicing.mark_uncollectible(at, agreement.open_run)
            agreement.open_run = None
        agreement.token += 1
        state = agreement.state
        self.ledger.update(
            agreement.history,
            at,
            status="canceled",
            canceled_at=state.canceled_at or at,
            ended_at=at,
            cancel_reason=state.cancel_reason or reason,
            cancel_feedback=state.cancel_feedback or feedback,
        )
        self.ledger.emit("customer.subscription.deleted", agreement.history, at, request)
        if self.payments.customer_history.state.delinquent:
            self.payments.update_customer(at, request, delinquent=False)
        self.on_over(at, agreement)

    def _line(self, subscription: str, item: Item, at: int, is_trial: bool = False) -> Line:
        return period_line(self.ledger.ids, self.catalog, subscription, item, at, is_trial)

    def _prorate(self, at: int, state: Subscription, old: Item, new: Item | None) -> list[Line]:
        return proration_lines(self.ledger.ids, self.catalog, state.id, old, new, at)

    def _announce_trial_end(self, at: int, agreement: Agreement) -> None:
        if agreement.state.status == "trialing":
            self.ledger.emit("customer.subscription.trial_will_end", agreement.history, at)

    def _renew(self, at: int, agreement: Agreement, token: int) -> None:
        if agreement.is_over or token != agreement.token:
            return
        state = agreement.state
        if state.cancel_at_period_end or state.status in ("unpaid", "incomplete"):
            self.cancel_now(at, agreement, "cancellation_requested", None, AUTOMATIC)
            return
        start = add_months(agreement.anchor, agreement.cycle * agreement.months)
        agreement.cycle += 1
        end = add_months(agreement.anchor, agreement.cycle * agreement.months)
        items = tuple(item._replace(period_start=start, period_end=end) for item in state.items)
        lines = agreement.prorations + [self._line(state.id, item, at) for item in items]
        agreement.prorations = []
        invoice_id = self.ledger.ids.long("in")
        finalizes_at = at + FINALIZE_AFTER
        period = (state.items[0].period_start, at)
        invoice = self.invoicing.draft(
            at, invoice_id, state.id, "subscription_cycle", state.currency, lines, period, finalizes_at
        )
        self.ledger.update(
            agreement.history,
            at,
            "customer.subscription.updated",
            items=items,
            latest_invoice=invoice_id,
            status="active" if state.status == "trialing" else state.status,
        )
        run = self._open(agreement, invoice)
        self.timeline.schedule(end, self._renew, agreement, agreement.token)
        self.timeline.schedule(finalizes_at + self.decisions.seconds(0, 90), self._collect, agreement, run)

    def _collect(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        self.invoicing.finalize(at, run)
        if run.intent is not None:
            self.invoicing.attempt(at + self.decisions.seconds(0, 2), run)

    def _open(self, agreement: Agreement, invoice: History) -> InvoiceRun:
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

    def _reactivate(self, at: int, agreement: Agreement) -> None:
        event = "customer.subscription.updated" if agreement.is_published else None
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
            self.ledger.update(agreement.history, at, "customer.subscription.updated", status="past_due")
            self.payments.update_customer(at, delinquent=True)
        if invoice.next_payment_attempt is not None:
            self.timeline.schedule(invoice.next_payment_attempt, self._retry, agreement, run)
        elif self.decisions.is_left_unpaid():
            self.ledger.update(agreement.history, at, "customer.subscription.updated", status="unpaid")
            self.timeline.schedule(at + 14 * DAY, self._give_up, agreement)
        else:
            self.timeline.schedule(at + 1, self._give_up, agreement)

    def _retry(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if agreement.open_run is run:
            self.invoicing.attempt(at, run)

    def _give_up(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            self.cancel_now(at, agreement, "payment_failed", None, AUTOMATIC)

    def _expire(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if agreement.state.status != "incomplete":
            return
        agreement.open_run = None
        agreement.token += 1
        self.invoicing.void(at, run)
        self.ledger.update(
            agreement.history, at, "customer.subscription.updated", status="incomplete_expired", ended_at=at
        )
        self.on_over(at, agreement)
