"""Moving money: payment intents, charges, refunds, cards. What happens, not whether it does."""

from typing import NamedTuple

from simulator.balance import REFUND, REFUND_FAILURE, Balance
from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.states import Charge, Customer, PaymentIntent, PaymentMethod, Refund


class Failure(NamedTuple):
    """A decline, as `failure_code`, `decline_code` and message of a charge."""

    code: str
    decline_code: str | None
    message: str


FAILURES = {
    "insufficient_funds": Failure("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "generic_decline": Failure("card_declined", "generic_decline", "Your card was declined."),
    "do_not_honor": Failure("card_declined", "do_not_honor", "Your card was declined."),
    "expired_card": Failure("expired_card", None, "Your card has expired."),
}


class Payments:
    """The payment side of one customer's ledger."""

    def __init__(self, ledger: Ledger, user_id: str) -> None:
        self.ledger = ledger
        self.customer: History | None = None
        self.card: History | None = None
        self.latest_charge: History | None = None  # the newest that succeeded
        self.balance = Balance(ledger)
        self._metadata = {"user_id": user_id}

    def create_customer(self, at: int, customer: Customer, request: Request) -> History:
        """The customer that all else belongs to."""
        self.customer = self.ledger.create("customer", customer, at, "customer.created", request)
        return self.customer

    @property
    def customer_history(self) -> History:
        """Raises LookupError before create_customer."""
        if self.customer is None:
            raise LookupError(f"stream {self.ledger.stream} has no customer yet: call create_customer first")
        return self.customer

    @property
    def card_history(self) -> History:
        """Raises LookupError before attach_card."""
        if self.card is None:
            raise LookupError(f"{self.customer_history.id} has no card yet: call attach_card first")
        return self.card

    def attach_card(self, at: int, card: PaymentMethod, request: Request) -> None:
        """Attach a card and make it the default; an older one is detached."""
        old = self.card
        self.card = self.ledger.create("payment_method", card, at, "payment_method.attached", request)
        self.update_customer(at, request, default_payment_method=card.id)
        if old is not None:
            self.ledger.update(old, at + 1, customer=None)
            self.ledger.emit("payment_method.detached", old, at + 1, self.ledger.request())

    def update_card(self, at: int, event: str, request: Request, **changes: object) -> None:
        """Change the default card, telling of it with `event`."""
        self.ledger.update(self.card_history, at, event, request, **changes)

    def update_customer(self, at: int, request: Request = AUTOMATIC, **changes: object) -> None:
        """Change the customer."""
        self.ledger.update(self.customer_history, at, "customer.updated", request, **changes)

    def delete_customer(self, at: int, request: Request) -> None:
        """Delete the customer; the card goes with it."""
        if self.card is not None:
            self.ledger.update(self.card, at, customer=None)
            self.ledger.emit("payment_method.detached", self.card, at, request)
        self.ledger.update(self.customer_history, at, is_deleted=True)
        self.ledger.emit("customer.deleted", self.customer_history, at, request)

    def open_intent(
        self, at: int, amount: int, currency: str, description: str, request: Request = AUTOMATIC
    ) -> History:
        """A payment intent on the default card, not yet confirmed."""
        customer: Customer = self.customer_history.state
        intent = PaymentIntent(
            id=self.ledger.ids.long("pi", "3"),
            created=at,
            customer=customer.id,
            amount=amount,
            currency=currency,
            status="requires_confirmation",
            payment_method=self.card_history.id,
            amount_received=0,
            latest_charge=None,
            failure=None,
            description=description,
            statement_descriptor=None,
            canceled_at=None,
            metadata=self._metadata,
            receipt_email=customer.email if customer.contact.gets_receipts else None,
        )
        return self.ledger.create("payment_intent", intent, at, "payment_intent.created", request)

    def charge(
        self, at: int, intent: History, failure: str | None, risk_score: int, request: Request = AUTOMATIC
    ) -> History:
        """Charge the default card for the intent; `failure` is a key of FAILURES or None for success."""
        state: PaymentIntent = intent.state
        ids = self.ledger.ids
        card: PaymentMethod = self.card_history.state
        charge_id = ids.related("ch", intent.id)
        transaction = None
        if failure is None:
            transaction = self.balance.charge(at, charge_id, state.amount, state.currency, state.description)
        charge = Charge(
            id=charge_id,
            created=at,
            customer=state.customer,
            payment_intent=intent.id,
            card=card,
            amount=state.amount,
            currency=state.currency,
            is_paid=failure is None,
            failure=failure,
            amount_refunded=0,
            description=state.description,
            balance_transaction=transaction.id if transaction is not None else None,
            risk_score=risk_score,
            authorization_code=f"{100_000 + risk_score * 7919 % 900_000}",
            metadata=self._metadata,
            receipt_email=state.receipt_email,
        )
        event = "charge.succeeded" if failure is None else "charge.failed"
        history = self.ledger.create("charge", charge, at, event, request)
        if failure is None:
            self.latest_charge = history
            self.ledger.update(
                intent,
                at,
                status="succeeded",
                amount_received=state.amount,
                latest_charge=charge.id,
                failure=None,
                payment_method=card.id,
            )
            self.ledger.emit("payment_intent.succeeded", intent, at, request)
        else:
            self.ledger.update(intent, at, status="requires_payment_method", latest_charge=charge.id, failure=failure)
            self.ledger.emit("payment_intent.payment_failed", intent, at, request)
        return history

    def cancel_intent(self, at: int, intent: History) -> None:
        """Give up collecting."""
        self.ledger.update(intent, at, status="canceled", canceled_at=at)
        self.ledger.emit("payment_intent.canceled", intent, at)

    def refund(self, at: int, charge: History, amount: int, status: str, reason: str | None) -> History:
        """Give back `amount` of a charge; `status` is "succeeded" or "pending".

        The money leaves the balance at once, also while the refund is pending.
        """
        request = self.ledger.request()
        state: Charge = charge.state
        refund_id = self.ledger.ids.related("re", charge.id)
        description = f"REFUND FOR CHARGE ({state.description})"
        refund = Refund(
            id=refund_id,
            created=at,
            charge=charge.id,
            payment_intent=state.payment_intent,
            amount=amount,
            currency=state.currency,
            status=status,
            reason=reason,
            failure_reason=None,
            balance_transaction=self.balance.move(at, REFUND, -amount, state.currency, refund_id, description).id,
            failure_balance_transaction=None,
        )
        history = self.ledger.create("refund", refund, at)
        self.ledger.update(charge, at, "charge.refunded", request, amount_refunded=state.amount_refunded + amount)
        self.ledger.emit("refund.created", history, at, request)
        return history

    def settle_refund(self, at: int, refund: History) -> None:
        """A pending refund arrived."""
        self.ledger.update(refund, at, "refund.updated", status="succeeded")
        self.ledger.emit("charge.refund.updated", refund, at)

    def fail_refund(self, at: int, refund: History, charge: History, reason: str) -> None:
        """The bank sent the money back: the charge counts as not refunded by this amount again."""
        state: Refund = refund.state
        description = f"REFUND FAILURE ({charge.state.description})"
        back = self.balance.move(at, REFUND_FAILURE, state.amount, state.currency, refund.id, description)
        self.ledger.update(
            refund,
            at,
            "refund.updated",
            status="failed",
            failure_reason=reason,
            failure_balance_transaction=back.id,
        )
        self.ledger.emit("charge.refund.updated", refund, at)
        self.ledger.emit("refund.failed", refund, at)
        left = charge.state.amount_refunded - state.amount
        self.ledger.update(charge, at, "charge.updated", amount_refunded=left)
