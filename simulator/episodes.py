"""The rarer turns of a life: pauses, discounts, single purchases, credit, schedules, test clocks."""

from collections.abc import Callable
from random import Random

from simulator.agreement import Agreement, Choice
from simulator.billing import Billing
from simulator.catalog import Catalog
from simulator.changes import Changes
from simulator.choosing import other_quantity, quantity_of
from simulator.ledger import History, Ledger
from simulator.offers import ADD_ON, OFFERS, ONE_TIME
from simulator.periods import DAY
from simulator.pricing import rounded
from simulator.states import Invoice
from simulator.terms import TestClock

_MONTH = 30 * DAY
CLOCK_DAYS = 28  # Stripe deletes a test clock, and all that lives by it, after thirty days


class Episodes:
    """The rarer turns of one life. Each is offered a time and a running subscription, and may let it pass."""

    def __init__(self, rng: Random, currency: str, catalog: Catalog, billing: Billing, changes: Changes) -> None:
        self.rng = rng
        self.currency = currency
        self.catalog = catalog
        self.billing = billing
        self.changes = changes
        self.ledger: Ledger = billing.ledger
        self.table: tuple[tuple[float, Callable[[int, Agreement], None]], ...] = (
            (0.008, self.pause),
            (0.010, self.schedule_change),
            (0.010, self.discount),
            (0.006, self.discount_customer),
            (0.012, self.buy_with_next_invoice),
            (0.012, self.credit_invoice),
            (0.010, self.change_items),
            (0.004, self.adjust_balance),
            (0.020, self.give_free_time),
        )

    def pause(self, at: int, agreement: Agreement) -> None:
        """Collection stops for some months, or until someone asks for it again."""
        rng = self.rng
        if not agreement.is_free_to_change:
            return
        behavior = rng.choice(("void", "void", "mark_uncollectible", "keep_as_draft"))
        back_at = at + rng.randrange(20 * DAY, 100 * DAY)
        is_by_itself = rng.random() < 0.6
        self.changes.pause(at, agreement, behavior, back_at if is_by_itself else None)
        if not is_by_itself and rng.random() < 0.8:
            self.billing.timeline.schedule(back_at, self.changes.resume, agreement)

    def schedule_change(self, at: int, agreement: Agreement) -> None:
        """Another plan is agreed upon for the next period."""
        state = agreement.state
        if not agreement.is_free_to_change or state.items[0].quantity is None:
            return
        first = self.catalog.price(state.items[0].price)
        cadence = next(c for c in ("day", "week", "month", "quarter", "year") if self._recurs(first.id, c, at))
        present = self.catalog.offer_of(first.id)
        others = [name for name in ("starter", "pro") if name != present and cadence in OFFERS[name].cadences]
        if others and not state.items[0].discounts:
            offer = self.rng.choice(others)
            price = self.catalog.price_for(offer, self.currency, cadence, at)
            self.billing.schedules.agree(at, agreement, Choice(price.id, quantity_of(self.rng, offer)))

    def _recurs(self, price_id: str, cadence: str, at: int) -> bool:
        price = self.catalog.price(price_id)
        starter = self.catalog.price_for("starter", self.currency, cadence, at)
        return (price.interval, price.interval_count) == (starter.interval, starter.interval_count)

    def discount(self, at: int, agreement: Agreement) -> None:
        """A discount for a subscription that runs, perhaps the whole price; some are taken away later."""
        rng = self.rng
        if not agreement.is_free_to_change or agreement.state.discounts:
            return
        deal = rng.choice(("loyal", "partner", "rebate", "spring", "friend"))
        grant = self.billing.catalog.promotions.offer(deal, self.currency, at)
        if grant is None:
            return
        is_for_one = rng.random() < 0.25 and deal in ("loyal", "partner") and not agreement.state.items[0].discounts
        self.billing.discounts.grant(at, agreement, grant, 0 if is_for_one else None)
        item = agreement.state.items[0]
        applied = item.discounts[-1] if is_for_one else agreement.state.discounts[-1]
        if deal == "friend" or rng.random() < 0.3:
            later = at + rng.randrange(20 * DAY, 90 * DAY)

            def end(moment: int) -> None:
                if not agreement.is_over:
                    self.billing.discounts.take_away(moment, agreement, applied, self.ledger.request())

            self.billing.timeline.schedule(later, end)

    def discount_customer(self, at: int, agreement: Agreement) -> None:
        """A discount for all that the customer pays, or another one than before."""
        if agreement.is_over or agreement.state.test_clock is not None:
            return
        deal = self.rng.choice(("loyal", "partner", "welcome", "rebate"))
        grant = self.billing.catalog.promotions.offer(deal, self.currency, at)
        present = self.billing.payments.customer_history.state.discount
        if grant is not None and (present is None or present.coupon != grant.coupon):
            self.billing.discounts.grant_customer(at, grant)
            if self.rng.random() < 0.4:
                later = at + self.rng.randrange(10 * DAY, 60 * DAY)
                self.billing.timeline.schedule(later, self._discount_again, agreement)

    def _discount_again(self, at: int, agreement: Agreement) -> None:
        if self.rng.random() < 0.5:
            self.discount_customer(at, agreement)
        elif not self.billing.payments.customer_history.state.is_deleted:
            self.billing.discounts.take_away_customer(at, self.ledger.request())

    def buy_with_next_invoice(self, at: int, agreement: Agreement) -> None:
        """A single purchase that waits for the next invoice."""
        if agreement.is_free_to_change and agreement.state.status == "active":
            price = self.catalog.price_for(ONE_TIME, self.currency, None, at)
            self.changes.buy(at, agreement, price.id, self.rng.choice((1, 1, 2)))

    def credit_invoice(self, at: int, agreement: Agreement) -> None:
        """Goodwill: an open invoice is forgiven; of a paid one a part is given back, or kept for the next."""
        rng = self.rng
        if agreement.open_run is not None:
            if agreement.open_run.invoice.state.status == "open" and agreement.state.status == "past_due":
                self.billing.invoicing.forgive(at, agreement.open_run)
            return
        paid = self.billing.invoicing.last_paid
        if paid is None or self.billing.payments.customer_history.state.is_deleted:
            return
        invoice, charge = paid
        state: Invoice = invoice.state
        left = min(charge.state.refundable, state.amount_paid - state.credited_after_payment)
        line = next((line for line in state.lines if line.amount > 0 and not line.is_proration), None)
        amount = line.net + line.tax_on_top if line is not None else 0
        if line is None or not 0 < amount <= left or state.credited_after_payment or rng.random() < 0.6:
            line, amount = None, rounded(left * rng.randrange(10, 60) // 100, state.currency)
        if not 0 < amount <= left:
            return
        if rng.random() < 0.5:
            self.billing.invoicing.credit.refund(at, invoice, charge, line, amount)
        else:
            self.billing.invoicing.credit.to_balance(at, invoice, line, amount)

    def change_items(self, at: int, agreement: Agreement) -> None:
        """Storage is added to a plan, or an item given up."""
        if not agreement.is_free_to_change:
            return
        items = agreement.state.items
        held = {self.catalog.offer_of(item.price) for item in items}
        if len(items) > 1 and items[-1].quantity is not None and not items[-1].discounts:
            self.changes.remove_item(at, agreement, len(items) - 1)
        elif ADD_ON not in held:
            cadence = next((c for c in OFFERS[ADD_ON].cadences if c and self._recurs(items[0].price, c, at)), None)
            price = self.catalog.price_for(ADD_ON, self.currency, cadence, at)
            self.changes.add_item(at, agreement, Choice(price.id, quantity_of(self.rng, ADD_ON)))

    def change_quantity(self, at: int, agreement: Agreement, position: int, offer: str) -> None:
        """Some more of an item, or some less."""
        item = agreement.state.items[position]
        if item.quantity is not None:
            quantity = other_quantity(self.rng, offer, item.quantity)
            if quantity != item.quantity:
                self.changes.change_item(at, agreement, position, Choice(item.price, quantity))

    def adjust_balance(self, at: int, agreement: Agreement) -> None:
        """A credit by hand."""
        if not agreement.is_over and not self.billing.payments.customer_history.state.is_deleted:
            amount = rounded(self.rng.randrange(300, 1500), self.currency)
            credit = self.billing.invoicing.credit
            credit.move(at, -amount, "adjustment", self.ledger.request(), description="Goodwill")

    def give_free_time(self, at: int, agreement: Agreement) -> None:
        """Some weeks for nothing, to someone who pays: for an outage, or in order to keep them."""
        if agreement.is_free_to_change:
            self.changes.give_free_time(at, agreement, self.rng.choice((7, 14, 30, 30, 60)), self.rng.random() < 0.5)

    def start_clock(self, at: int, index: int) -> History:
        """A test clock that is moved on by a day each day."""
        clock = TestClock(
            id=self.ledger.ids.long("clock"),
            created=at,
            name=f"Renewals {index}",
            frozen_time=at,
            status="ready",
            deletes_after=at + _MONTH,
        )
        history = self.ledger.create("test_helpers.test_clock", clock, at, "test_helpers.test_clock.created",
                                     self.ledger.request())  # fmt: skip
        self.billing.timeline.schedule(at + DAY, self._advance_clock, history)
        return history

    def _advance_clock(self, at: int, clock: History) -> None:
        if clock.state.is_deleted:
            return
        request = self.ledger.request()
        self.ledger.update(clock, at, status="advancing")
        self.ledger.emit("test_helpers.test_clock.advancing", clock, at, request)
        self.ledger.update(clock, at + 2, status="ready", frozen_time=at)
        self.ledger.emit("test_helpers.test_clock.ready", clock, at + 2)
        self.billing.timeline.schedule(at + DAY, self._advance_clock, clock)

    def delete_clock(self, at: int, clock: History) -> None:
        """The clock goes; its customer must have gone before."""
        self.ledger.update(clock, at, is_deleted=True)
        self.ledger.emit("test_helpers.test_clock.deleted", clock, at, self.ledger.request())
