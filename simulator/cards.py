"""Adding a card: often by a set-up intent, which may be declined before it succeeds."""

from random import Random

from simulator.ledger import Request
from simulator.money_states import SetupIntent
from simulator.payments import Payments
from simulator.states import PaymentMethod

_SET_UP, _DECLINED = 0.5, 0.06


class Cards:
    """The cards that one customer adds."""

    def __init__(self, payments: Payments, rng: Random) -> None:
        self._payments = payments
        self._rng = rng

    def add(self, at: int, card: PaymentMethod, request: Request) -> None:
        """Make the card the default, set up by an intent or by the app itself."""
        if self._rng.random() < _SET_UP:
            self._set_up(at, card, request)
        self._payments.attach_card(at, card, request)

    def _set_up(self, at: int, card: PaymentMethod, request: Request) -> None:
        ledger = self._payments.ledger
        customer = self._payments.customer_history
        intent = SetupIntent(
            id=ledger.ids.long("seti"),
            created=at,
            customer=customer.id,
            status="requires_payment_method",
            payment_method=None,
            latest_attempt=None,
            failure=None,
            metadata=customer.state.metadata,
        )
        history = ledger.create("setup_intent", intent, at, "setup_intent.created", request)
        if self._rng.random() < _DECLINED:
            attempt = ledger.ids.related("setatt", history.id)
            ledger.update(history, at, latest_attempt=attempt, failure="generic_decline")
            ledger.emit("setup_intent.setup_failed", history, at, request)
        ledger.update(
            history,
            at,
            status="succeeded",
            payment_method=card.id,
            latest_attempt=ledger.ids.related("setatt", history.id),
            failure=None,
        )
        ledger.emit("setup_intent.succeeded", history, at, request)
