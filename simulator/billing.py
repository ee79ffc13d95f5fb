"""Subscriptions: how they begin, renew and end, and what becomes of their invoices. Changes are in `changes`."""

from collections.abc import Callable, Sequence

from simulator.agreement import Agreement, Choice
from simulator.catalog import Catalog
from simulator.collecting import Collecting
from simulator.discounts import Discounts
from simulator.invoicing import FINALIZE_AFTER, Decisions, Invoicing
from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.lines import item_line, period_lines
from simulator.payments import Payments
from simulator.periods import DAY, add_periods
from simulator.promotions import Grant
from simulator.schedules import Schedules
from simulator.states import Item, Line, Subscription
from simulator.timeline import Timeline

_CHANGED = "customer.subscription.updated"


class Billing:
    """The subscriptions of one customer.

    `on_over(at, agreement)` is called when one ended; `on_paid(at, agreement, charge)` after each payment of
    an invoice.
    """

    def __init__(
        self, ledger: Ledger, timeline: Timeline, catalog: Catalog, payments: Payments, decisions: Decisions
    ) -> None:
        self.ledger = ledger
        self.timeline = timeline
        self.catalog = catalog
        self.payments = payments
        self.decisions = decisions
        self.discounts = Discounts(ledger, timeline, catalog, payments)
        self.invoicing = Invoicing(ledger, payments, decisions)
        self.schedules = Schedules(ledger, timeline)
        self.collecting = Collecting(timeline, payments, self.invoicing)
        self.collecting.on_paid = lambda at, agreement, charge: self.on_paid(at, agreement, charge)
        self.collecting.on_expired = lambda at, agreement: self.on_over(at, agreement)
        self.collecting.on_given_up = self._give_up
        self.on_over: Callable[[int, Agreement], None] = lambda at, agreement: None
        self.on_paid: Callable[[int, Agreement, History], None] = lambda at, agreement, charge: None

    def subscribe(
        self,
        at: int,
        choices: Sequence[Choice],
        request: Request,
        trial_days: int = 0,
        is_created_paid: bool = False,
        grants: Sequence[Grant] = (),
        tax_rates: tuple[str, ...] = (),
        pauses_without_card: bool = False,
    ) -> Agreement:
        """Start a subscription. Its first invoice is finalized at once, and paid at once or never.

        `is_created_paid`: `customer.subscription.created` comes after the payment, as active; otherwise it
        comes first, as incomplete, and an update to active follows (in the same second, most often).
        `pauses_without_card`: a trial without a card ends in the status paused.
        """
        first = self.catalog.price(choices[0].price)
        customer = self.payments.customer_history.state
        if customer.currency is None:
            self.payments.update_customer(at, request, currency=first.currency)
        ids = self.ledger.ids
        trial_end = at + trial_days * DAY if trial_days else None
        anchor = trial_end or at
        period_end = trial_end or add_periods(at, str(first.interval), first.interval_count)
        subscription_id = ids.long("sub")
        invoice_id = ids.long("in")
        items = []
        for choice in choices:
            item = Item(ids.short("si"), at, choice.price, choice.quantity, at, period_end)
            if choice.grant is not None:
                item = item._replace(discounts=(self.discounts.draw_up(at, choice.grant, subscription_id, item.id),))
            items.append(item)
        state = Subscription(
            id=subscription_id,
            created=at,
            customer=customer.id,
            currency=first.currency,
            status="trialing" if trial_end else "incomplete",
            items=tuple(items),
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
            discounts=tuple(self.discounts.draw_up(at, grant, subscription_id) for grant in grants),
            tax_rates=tax_rates,
            pauses_without_card=pauses_without_card,
            test_clock=customer.test_clock,
        )
        created = "customer.subscription.created"
        history = self.ledger.create("subscription", state, at, None if is_created_paid else created, request)
        agreement = Agreement(history, first, anchor, not is_created_paid)
        agreement.cycle = 0 if trial_end else 1
        discounts = (*(applied for item in items for applied in item.discounts), *state.discounts)
        if not is_created_paid:
            self.discounts.publish(at, agreement, discounts, request)
        lines = self.period_lines(state, state.items, at, is_trial=bool(trial_end))
        invoice = self.draft(at, agreement, invoice_id, "subscription_create", lines, (at, at), None, request)
        self.collecting.now(at, self.collecting.open(agreement, invoice), request)
        if is_created_paid:
            self.ledger.emit(created, history, self.ledger.now, request)
            self.discounts.publish(self.ledger.now, agreement, discounts, request)
            agreement.is_published = True
        self.discounts.use(self.ledger.now, agreement, invoice.state.lines, request)
        self.timeline.schedule(period_end, self._renew, agreement, agreement.token)
        if trial_end:
            self.timeline.schedule(trial_end - 3 * DAY, self._announce_trial_end, agreement)
        return agreement

    def retry_first_payment(self, at: int, agreement: Agreement) -> None:
        """The customer tries again to pay the first invoice of an incomplete subscription."""
        if agreement.state.status == "incomplete" and agreement.open_run is not None:
            self.invoicing.attempt(at, agreement.open_run, self.ledger.request())

    def begin_cycle(
        self, at: int, agreement: Agreement, items: tuple[Item, ...], lines: list[Line], request: Request,
        is_trial: bool = False,
    ) -> None:  # fmt: skip
        """A new cycle from now on, or from the end of a trial, invoiced and collected now.

        `items` have their new periods.
        """
        invoice_id = self.ledger.ids.long("in")
        period = (agreement.state.items[0].period_start, at)
        if is_trial:
            end = items[0].period_end
            self.start_cycle(at, agreement, items, request, end, invoice_id, status="trialing", trial_start=at)
        else:
            self.start_cycle(at, agreement, items, request, at, invoice_id)
        invoice = self.draft(at, agreement, invoice_id, "subscription_update", lines, period, None, request)
        self.collecting.now(at, self.collecting.open(agreement, invoice), request)
        self.discounts.use(self.ledger.now, agreement, invoice.state.lines, request)

    def start_cycle(
        self,
        at: int,
        agreement: Agreement,
        items: tuple[Item, ...],
        request: Request,
        anchor: int,
        invoice_id: str,
        status: str | None = None,
        event: str | None = None,
        trial_start: int | None = None,
    ) -> None:
        """Periods count from `anchor` on; what was scheduled for the periods before is dropped.

        `trial_start`: when a trial began that lasts until then.
        """
        trial = {} if trial_start is None else {"trial_start": trial_start, "trial_end": anchor}
        agreement.recur(self.catalog.price(items[0].price), anchor, cycle=0 if trial else 1)
        agreement.token += 1
        self.ledger.update(
            agreement.history, at, _CHANGED, request, items=items, billing_cycle_anchor=anchor,
            latest_invoice=invoice_id, status=status or agreement.state.status, **trial,
        )  # fmt: skip
        if event is not None:
            self.ledger.emit(event, agreement.history, at, request)
        self.timeline.schedule(items[0].period_end, self._renew, agreement, agreement.token)
        if trial:
            self.timeline.schedule(anchor - 3 * DAY, self._announce_trial_end, agreement)

    def cancel_at_period_end(self, at: int, agreement: Agreement, feedback: str | None) -> None:
        """The customer asks to leave when what is paid for has run out."""
        self.ledger.update(
            agreement.history,
            at,
            _CHANGED,
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
            _CHANGED,
            self.ledger.request(),
            cancel_at_period_end=False,
            canceled_at=None,
            cancel_reason=None,
            cancel_feedback=None,
        )

    def cancel_now(self, at: int, agreement: Agreement, reason: str, feedback: str | None, request: Request) -> None:
        """End the subscription; what is still open or waits for an invoice is given up."""
        if agreement.open_run is not None:
            self.invoicing.mark_uncollectible(at, agreement.open_run)
            agreement.open_run = None
        for item in agreement.pending:
            self.ledger.update(item, at, is_deleted=True)
            self.ledger.emit("invoiceitem.deleted", item, at, request)
        agreement.pending = []
        agreement.token += 1
        self.schedules.cancel(at, agreement, request)
        state = agreement.state
        self.ledger.update(
            agreement.history,
            at,
            status="canceled",
            canceled_at=state.canceled_at or at,
            ended_at=at,
            cancel_reason=state.cancel_reason or reason,
            cancel_feedback=state.cancel_feedback or feedback,
            pause=None,
            schedule=None,
        )
        self.ledger.emit("customer.subscription.deleted", agreement.history, at, request)
        if self.payments.customer_history.state.delinquent:
            self.payments.update_customer(at, request, delinquent=False)
        self.on_over(at, agreement)

    def period_lines(self, state: Subscription, items: Sequence[Item], at: int, is_trial: bool = False) -> list[Line]:
        """The lines of items that are paid in advance; what is metered is invoiced when its period is over."""
        return [
            line
            for item in items
            if item.quantity is not None
            for line in period_lines(self.ledger.ids, self.catalog, state.id, item, at, item.quantity, is_trial)
        ]

    def arrears(self, agreement: Agreement, at: int) -> list[Line]:
        """The lines of what waits for an invoice, and of the usage in the period that ends."""
        state = agreement.state
        lines = [item_line(self.ledger.ids, item.state) for item in agreement.pending]
        if state.status != "trialing":
            for item in state.items:
                if item.quantity is None:
                    used = self.decisions.usage(at)
                    lines += period_lines(self.ledger.ids, self.catalog, state.id, item, at, used)
        return lines

    def draft(
        self,
        at: int,
        agreement: Agreement,
        invoice_id: str,
        reason: str,
        lines: list[Line],
        period: tuple[int, int],
        finalizes_at: int | None,
        request: Request = AUTOMATIC,
    ) -> History:
        """An invoice of these lines, with the discounts and taxes of the subscription; what waited is on it."""
        state = agreement.state
        several = self.discounts.on_lines(state, lines)
        taxes = [self.catalog.promotions.tax_rate(rate, at) for rate in state.tax_rates]
        for item in agreement.pending:
            self.ledger.update(item, at, invoice=invoice_id)
        agreement.pending = []
        return self.invoicing.draft(at, invoice_id, state, reason, lines, several, taxes, period, finalizes_at, request)

    def _announce_trial_end(self, at: int, agreement: Agreement) -> None:
        if agreement.state.status == "trialing":
            self.ledger.emit("customer.subscription.trial_will_end", agreement.history, at)

    def _renew(self, at: int, agreement: Agreement, token: int) -> None:
        if agreement.is_over or token != agreement.token:
            return
        state = agreement.state
        if state.status == "trialing" and state.pauses_without_card and self.payments.card is None:
            self.ledger.update(agreement.history, at, _CHANGED, status="paused")
            self.ledger.emit("customer.subscription.paused", agreement.history, at)
            return
        lines = self.arrears(agreement, at)
        if state.cancel_at_period_end or state.status in ("unpaid", "incomplete"):
            self._end(at, agreement, lines)
            return
        if agreement.open_run is not None:  # short periods only: the new invoice takes the place of the unpaid one
            self.invoicing.void(at, agreement.open_run)
        start = agreement.period(agreement.cycle)
        agreement.cycle += 1
        end = agreement.period(agreement.cycle)
        is_released = self.schedules.is_done(at, agreement)
        if is_released:
            self.schedules.release(at, agreement)
        sold = self.schedules.items_at(at, agreement)
        items = tuple(item._replace(period_start=start, period_end=end) for item in sold)
        lines += self.period_lines(state, items, at)
        invoice_id = self.ledger.ids.long("in")
        finalizes_at = at + FINALIZE_AFTER
        period = (state.items[0].period_start, at)
        invoice = self.draft(at, agreement, invoice_id, "subscription_cycle", lines, period, finalizes_at)
        self.ledger.update(
            agreement.history,
            at,
            _CHANGED,
            items=items,
            latest_invoice=invoice_id,
            status="active" if state.status == "trialing" else state.status,
            schedule=None if is_released else state.schedule,
        )
        self.discounts.use(at, agreement, invoice.state.lines, AUTOMATIC)
        self.timeline.schedule(end, self._renew, agreement, agreement.token)
        self.collecting.later(finalizes_at, agreement, self.collecting.open(agreement, invoice))

    def _end(self, at: int, agreement: Agreement, lines: list[Line]) -> None:
        """The subscription ends with its period; what is still to be paid for it comes on a last invoice."""
        state = agreement.state
        if lines and state.status in ("active", "past_due"):
            invoice_id = self.ledger.ids.long("in")
            period = (state.items[0].period_start, at)
            finalizes_at = at + FINALIZE_AFTER
            invoice = self.draft(at, agreement, invoice_id, "subscription_cycle", lines, period, finalizes_at)
            self.ledger.update(agreement.history, at, latest_invoice=invoice_id)
            self.collecting.later(finalizes_at, agreement, self.collecting.open_last(agreement, invoice))
        self.cancel_now(at, agreement, "cancellation_requested", None, AUTOMATIC)

    def _give_up(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            self.cancel_now(at, agreement, "payment_failed", None, AUTOMATIC)
