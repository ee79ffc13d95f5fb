"""The hosted checkout page, through which some customers come to their first subscription."""

from collections.abc import Callable
from random import Random

from simulator.agreement import Agreement
from simulator.ledger import History
from simulator.money_states import CheckoutSession
from simulator.payments import Payments
from simulator.periods import DAY
from simulator.timeline import Timeline

_USED, _ABANDONED = 0.35, 0.08
_EXPIRES_AFTER = DAY

Start = Callable[[int], Agreement | None]


class Checkout:
    """One customer's visits to the page."""

    def __init__(self, payments: Payments, timeline: Timeline, rng: Random) -> None:
        self._ledger = payments.ledger
        self._payments = payments
        self._timeline = timeline
        self._rng = rng

    def lead(self, at: int, currency: str, start: Start) -> None:
        """Have `start(at)` subscribe the customer: now, or in some minutes when the page comes first."""
        rng = self._rng
        if rng.random() >= _USED:
            start(at)
            return
        session = self._open(at, currency)
        if rng.random() < _ABANDONED:
            self._timeline.schedule(session.state.expires_at, self._expire, session)
            self._timeline.schedule(at + rng.randrange(2 * DAY, 9 * DAY), start)
        else:
            self._timeline.schedule(at + rng.randrange(40, 900), self._finish, session, start)

    def _open(self, at: int, currency: str) -> History:
        customer = self._payments.customer_history.state
        ids = self._ledger.ids
        session = CheckoutSession(
            id=f"cs_test_a1{ids.text(28)}",
            created=at,
            customer=customer.id,
            currency=currency,
            status="open",
            payment_status="unpaid",
            amount=None,
            subscription=None,
            invoice=None,
            customer_name=customer.name,
            customer_email=customer.email,
            customer_country=customer.country,
            expires_at=at + _EXPIRES_AFTER,
            metadata=customer.metadata,
        )
        return self._ledger.create("checkout.session", session, at)

    def _finish(self, at: int, session: History, start: Start) -> None:
        """Complete when the subscription has begun; after a declined payment the page stays open until it expires."""
        agreement = start(at)
        if agreement is None or agreement.state.status not in ("active", "trialing"):
            self._timeline.schedule(session.state.expires_at, self._expire, session)
            return
        charge = self._payments.latest_charge
        is_paid = charge is not None and charge.created >= at
        self._ledger.update(
            session,
            self._ledger.now,
            status="complete",
            payment_status="paid" if is_paid else "no_payment_required",
            amount=charge.state.amount if charge is not None and is_paid else 0,
            subscription=agreement.state.id,
            invoice=agreement.state.latest_invoice,
        )
        self._ledger.emit("checkout.session.completed", session, self._ledger.now)

    def _expire(self, at: int, session: History) -> None:
        self._ledger.update(session, at, status="expired")
        self._ledger.emit("checkout.session.expired", session, at)
