"""Single purchases, and the refunds of all payments."""

from collections.abc import Callable
from random import Random

from simulator.billing import Billing
from simulator.catalog import Catalog
from simulator.claims import Claims
from simulator.ledger import History
from simulator.offers import ONE_TIME
from simulator.periods import DAY, HOUR
from simulator.pricing import rounded

_REFUND = 0.03


class Purchases:
    """What one customer buys beside subscriptions, and is given back; `add_card(at)` gets a card."""

    def __init__(
        self,
        rng: Random,
        currency: str,
        catalog: Catalog,
        billing: Billing,
        claims: Claims,
        add_card: Callable[[int], None],
    ) -> None:
        self.rng = rng
        self.currency = currency
        self.catalog = catalog
        self.payments = billing.payments
        self.timeline = billing.timeline
        self.ledger = billing.ledger
        self._decisions = billing.decisions
        self._claims = claims
        self._add_card = add_card

    def buy(self, at: int, has_more: bool) -> None:
        """A one-time purchase, without an invoice; a declined card is often tried again at once."""
        rng = self.rng
        if self.payments.customer_history.state.is_deleted:
            return
        if self.payments.card is None:
            self._add_card(at)
        price = self.catalog.price_for(ONE_TIME, self.currency, None, at)
        request = self.ledger.request()
        amount = (price.unit_amount or 0) * rng.choice((1, 1, 1, 2, 3))
        decisions = self._decisions
        intent = self.payments.open_intent(at, amount, self.currency, "Data export", request)
        charged_at = at + rng.randint(0, 2)
        charge = self.payments.charge(charged_at, intent, decisions.failure(at, 1), decisions.risk_score(), request)
        if not charge.state.is_paid and rng.random() < 0.7:
            again = charged_at + rng.randrange(20, 300)
            charge = self.payments.charge(
                again, intent, decisions.failure(again, 2), decisions.risk_score(), self.ledger.request()
            )
        if charge.state.is_paid:
            self.perhaps_refund(charge.created, charge)
        if has_more and rng.random() < 0.75:
            self.timeline.schedule(at + rng.randrange(5 * DAY, 120 * DAY), self.buy, True)

    def perhaps_refund(self, at: int, charge: History) -> None:
        """After a payment: its customer may dispute it, or get it back."""
        self._claims.consider(at, charge)
        if self.rng.random() < _REFUND:
            self.timeline.schedule(at + self.rng.randrange(HOUR, 40 * DAY), self._refund, charge)

    def _refund(self, at: int, charge: History) -> None:
        rng = self.rng
        left = charge.state.refundable
        is_full = rng.random() < 0.6
        amount = left if is_full else rounded(max(1, left * rng.randrange(10, 80) // 100), charge.state.currency)
        if amount == 0:  # credited or disputed in the meantime
            return
        reason = rng.choice(("requested_by_customer", "duplicate", None))
        is_pending = rng.random() < 0.2
        status = "pending" if is_pending else "succeeded"
        refund = self.payments.refund(at, charge, amount, status, reason)
        if is_pending:
            settle_at = at + rng.randrange(DAY, 6 * DAY)
            self.timeline.schedule(settle_at, self._settle_refund, refund, charge, rng.random() < 0.35)
        elif not is_full and rng.random() < 0.25:
            self.timeline.schedule(at + rng.randrange(DAY, 10 * DAY), self._refund, charge)

    def _settle_refund(self, at: int, refund: History, charge: History, fails: bool) -> None:
        if fails:
            self.payments.fail_refund(at, refund, charge, "expired_or_canceled_card")
        else:
            self.payments.settle_refund(at, refund)
