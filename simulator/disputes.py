"""Disputes: opened, answered and closed by the customer's bank. What happens, not whether it does."""

from simulator.balance import DISPUTE_REVERSAL
from simulator.ledger import History
from simulator.money_states import Dispute
from simulator.payments import Payments
from simulator.periods import DAY
from simulator.states import Charge

ANSWER_WITHIN = 10 * DAY
_LAST_SECOND = DAY - 1


class Disputes:
    """The disputes of one customer's charges."""

    def __init__(self, payments: Payments) -> None:
        self._ledger = payments.ledger
        self._payments = payments

    def open(self, at: int, charge: History, reason: str, is_inquiry: bool) -> History:
        """The bank asks back what was not refunded; it takes the money at once unless it only inquires."""
        state: Charge = charge.state
        dispute = Dispute(
            id=self._ledger.ids.long("du"),
            created=at,
            charge=charge.id,
            payment_intent=state.payment_intent,
            amount=state.amount - state.amount_refunded,
            currency=state.currency,
            reason=reason,
            status="warning_needs_response" if is_inquiry else "needs_response",
            brand=state.card.brand,
            customer_name=state.card.name,
            customer_email=state.card.email,
            billing_address=str(state.card.address),
            due_by=(at + ANSWER_WITHIN) // DAY * DAY + _LAST_SECOND,
        )
        if not is_inquiry:
            dispute = self._withdrawn(dispute, at)
        history = self._ledger.create("dispute", dispute, at, "charge.dispute.created")
        if not is_inquiry:
            self._ledger.emit("charge.dispute.funds_withdrawn", history, at)
        self._ledger.update(charge, at, "charge.updated", dispute=history.id, is_withdrawn=not is_inquiry)
        return history

    def escalate(self, at: int, dispute: History, charge: History) -> None:
        """An inquiry becomes a dispute, and the money goes."""
        state = self._withdrawn(dispute.state, at)
        self._ledger.update(
            dispute,
            at,
            "charge.dispute.updated",
            status="needs_response",
            due_by=(at + ANSWER_WITHIN) // DAY * DAY + _LAST_SECOND,
            balance_transactions=state.balance_transactions,
            withdrawn_at=at,
        )
        self._ledger.emit("charge.dispute.funds_withdrawn", dispute, at)
        self._ledger.update(charge, at, is_withdrawn=True)

    def answer(self, at: int, dispute: History) -> None:
        """The company sends its evidence."""
        is_inquiry = dispute.state.status.startswith("warning_")
        status = "warning_under_review" if is_inquiry else "under_review"
        request = self._ledger.request()
        self._ledger.update(dispute, at, "charge.dispute.updated", request, status=status, has_evidence=True)

    def close(self, at: int, dispute: History, charge: History, is_won: bool) -> None:
        """The bank decides; what was won comes back into the balance, its fee does not."""
        state: Dispute = dispute.state
        if state.withdrawn_at is None:
            self._ledger.update(dispute, at, status="warning_closed")
            self._ledger.emit("charge.dispute.closed", dispute, at)
            return
        self._ledger.update(dispute, at, status="won" if is_won else "lost")
        self._ledger.emit("charge.dispute.closed", dispute, at)
        if is_won:
            back = self._payments.balance.move(
                at,
                DISPUTE_REVERSAL,
                state.amount,
                state.currency,
                state.id,
                f"Chargeback reversal for {charge.id}",
            )
            transactions = (*state.balance_transactions, back.state)
            self._ledger.update(dispute, at, balance_transactions=transactions, reinstated_at=at)
            self._ledger.emit("charge.dispute.funds_reinstated", dispute, at)

    def _withdrawn(self, dispute: Dispute, at: int) -> Dispute:
        transaction = self._payments.balance.withdraw_dispute(
            at, dispute.id, dispute.charge, dispute.amount, dispute.currency
        )
        return dispute._replace(balance_transactions=(transaction,), withdrawn_at=at)
