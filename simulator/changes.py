"""What happens to a running subscription: its items change, collection is paused, time is given for nothing,
a paused trial goes on."""

from fractions import Fraction

from simulator.agreement import Agreement, Choice
from simulator.billing import Billing
from simulator.invoicing import InvoiceRun
from simulator.ledger import History, Request
from simulator.lines import proration
from simulator.periods import DAY, HOUR, add_periods
from simulator.states import Item
from simulator.terms import InvoiceItem, Pause

_CHANGED = "customer.subscription.updated"
_VOIDED_AFTER = 23 * HOUR


class Changes:
    """Acts through a customer's billing."""

    def __init__(self, billing: Billing) -> None:
        self.billing = billing
        self.ledger = billing.ledger
        self.catalog = billing.catalog

    def change_item(self, at: int, agreement: Agreement, position: int, choice: Choice) -> None:
        """Another price or quantity from now on; the difference is prorated onto the next invoice.

        A price that recurs otherwise starts a new period now and is invoiced now.
        """
        state = agreement.state
        old = state.items[position]
        price = self.catalog.price(choice.price)
        if (price.interval, price.interval_count) == (agreement.interval, agreement.interval_count):
            new = old._replace(price=choice.price, quantity=choice.quantity)
            self._change(at, agreement, (*state.items[:position], new, *state.items[position + 1 :]))
            return
        if len(state.items) > 1:
            raise ValueError(f"{state.id} has several items: its interval cannot change through one of them")
        request = self.ledger.request()
        end = add_periods(at, str(price.interval), price.interval_count)
        new = old._replace(price=choice.price, quantity=choice.quantity, period_start=at, period_end=end)
        self._wait(at, agreement, self._proration(at, agreement, state.items, 0, True), request)
        lines = self.billing.arrears(agreement, at) + self.billing.period_lines(state, [new], at)
        self.billing.begin_cycle(at, agreement, (new,), lines, request)

    def add_item(self, at: int, agreement: Agreement, choice: Choice) -> None:
        """One more item for the rest of the period, and from then on."""
        first = agreement.state.items[0]
        item_id = self.ledger.ids.short("si")
        item = Item(item_id, at, choice.price, choice.quantity, first.period_start, first.period_end)
        self._change(at, agreement, (*agreement.state.items, item))

    def remove_item(self, at: int, agreement: Agreement, position: int) -> None:
        """An item less; what is left of its period is credited."""
        items = agreement.state.items
        self._change(at, agreement, (*items[:position], *items[position + 1 :]))

    def buy(self, at: int, agreement: Agreement, price_id: str, quantity: int) -> None:
        """A single purchase that comes onto the subscription's next invoice."""
        state = agreement.state
        price = self.catalog.price(price_id)
        item = InvoiceItem(
            id=self.ledger.ids.long("ii"),
            created=at,
            customer=state.customer,
            subscription=state.id,
            item=None,
            currency=price.currency,
            amount=int(price.unit_decimal or 0) * quantity,
            description=self.catalog.product_name(price_id, at),
            price=price.id,
            product=price.product,
            quantity=quantity,
            unit_decimal=price.unit_decimal,
            period_start=at,
            period_end=at,
            is_proration=False,
            invoice=None,
            test_clock=state.test_clock,
        )
        self._wait(at, agreement, item, self.ledger.request())

    def pause(self, at: int, agreement: Agreement, behavior: str, resumes_at: int | None) -> None:
        """Collect nothing for a while; `behavior` says what becomes of the invoices."""
        pause = Pause(behavior, resumes_at)
        self.ledger.update(agreement.history, at, _CHANGED, self.ledger.request(), pause=pause)
        if resumes_at is not None:
            self.billing.timeline.schedule(resumes_at, self.resume, agreement, pause)

    def resume(self, at: int, agreement: Agreement, pause: Pause | None = None) -> None:
        """Collect again: by itself, if still for this `pause`, or because someone asked."""
        present = agreement.state.pause
        if present is not None and not agreement.is_over and pause in (None, present):
            self.ledger.update(agreement.history, at, _CHANGED, pause=None)

    def give_free_time(self, at: int, agreement: Agreement, days: int, is_credited: bool = False) -> None:
        """Nothing is to be paid for some days from now on, which Stripe shows as a trial; then a new cycle begins.

        `is_credited`: what is left of the present period is given back, as when nobody says otherwise.
        """
        state = agreement.state
        request = self.ledger.request()
        for position, item in enumerate(state.items):
            if is_credited and item.quantity is not None:
                self._wait(at, agreement, self._proration(at, agreement, state.items, position, True), request)
        items = tuple(item._replace(period_start=at, period_end=at + days * DAY) for item in state.items)
        lines = self.billing.arrears(agreement, at) + self.billing.period_lines(state, items, at, is_trial=True)
        self.billing.begin_cycle(at, agreement, items, lines, request, is_trial=True)

    def resume_trial(self, at: int, agreement: Agreement) -> None:
        """A subscription that its trial left paused begins to be paid; a declined card leaves it as it was."""
        if agreement.state.status != "paused" or agreement.open_run is not None:
            return
        billing = self.billing
        request = self.ledger.request()
        price = self.catalog.price(agreement.state.items[0].price)
        end = add_periods(at, str(price.interval), price.interval_count)
        items = tuple(item._replace(period_start=at, period_end=end) for item in agreement.state.items)
        lines = billing.period_lines(agreement.state, items, at)
        invoice_id = self.ledger.ids.long("in")

        def settled(paid_at: int, run: InvoiceRun, charge: History | None) -> None:
            agreement.open_run = None
            resumed = "customer.subscription.resumed"
            billing.start_cycle(paid_at, agreement, items, request, at, invoice_id, "active", resumed)
            billing.discounts.use(paid_at, agreement, run.invoice.state.lines, request)
            if charge is not None:
                billing.on_paid(paid_at, agreement, charge)

        def failed(failed_at: int, run: InvoiceRun) -> None:
            billing.timeline.schedule(at + _VOIDED_AFTER, self._void, agreement, run)

        reason = "subscription_update"
        invoice = billing.draft(at, agreement, invoice_id, reason, lines, (at, at), None, request)
        agreement.open_run = InvoiceRun(invoice, settled, failed)
        billing.collecting.now(at, agreement.open_run, request)

    def _void(self, at: int, agreement: Agreement, run: InvoiceRun) -> None:
        if agreement.open_run is run:
            agreement.open_run = None
            self.billing.invoicing.void(at, run)

    def _change(self, at: int, agreement: Agreement, items: tuple[Item, ...]) -> None:
        """Prorate what differs: credits for what goes or changes, debits for what comes instead."""
        request = self.ledger.request()
        before = agreement.state.items
        old, new = {item.id: item for item in before}, {item.id: item for item in items}
        for position, item in enumerate(before):
            if new.get(item.id) != item and item.quantity is not None:
                self._wait(at, agreement, self._proration(at, agreement, before, position, True), request)
        for position, item in enumerate(items):
            if old.get(item.id) != item and item.quantity is not None:
                self._wait(at, agreement, self._proration(at, agreement, items, position, False), request)
        self.ledger.update(agreement.history, at, _CHANGED, request, items=items)

    def _proration(
        self, at: int, agreement: Agreement, items: tuple[Item, ...], position: int, is_credit: bool
    ) -> InvoiceItem:
        state = agreement.state
        net = Fraction(0)
        if state.status != "trialing":  # a trial's time costs nothing
            net = self.billing.discounts.net_cost(state, items, position)
        return proration(self.ledger.ids, self.catalog, state, items[position], net, is_credit, at)

    def _wait(self, at: int, agreement: Agreement, item: InvoiceItem, request: Request) -> None:
        agreement.pending.append(self.ledger.create("invoiceitem", item, at, "invoiceitem.created", request))
