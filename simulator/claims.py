"""Whether and when a customer has the bank take a payment back, and how it ends. What follows is in `disputes`."""

from random import Random

from simulator.disputes import ANSWER_WITHIN, Disputes
from simulator.ledger import History
from simulator.payments import Payments
from simulator.periods import DAY, HOUR
from simulator.timeline import Timeline

_DISPUTED, _INQUIRY, _ESCALATES = 0.006, 0.25, 0.35
_ANSWERED, _WON = 0.7, 0.45
_REASONS = ("fraudulent", "subscription_canceled", "product_not_received", "duplicate", "unrecognized", "general")
_WEIGHTS = (45, 20, 10, 8, 10, 7)


class Claims:
    """One customer's quarrels, drawn from a random stream of their own.

    `is_quarrelsome`: the first payment is disputed for certain, so that a small company has disputes too.
    """

    def __init__(self, payments: Payments, timeline: Timeline, rng: Random, is_quarrelsome: bool) -> None:
        self._disputes = Disputes(payments)
        self._timeline = timeline
        self._rng = rng
        self._is_quarrelsome = is_quarrelsome

    def consider(self, at: int, charge: History) -> None:
        """After a payment: perhaps it is disputed, within two months."""
        if self._rng.random() < _DISPUTED or self._is_quarrelsome:
            self._is_quarrelsome = False
            self._timeline.schedule(at + self._rng.randrange(2 * DAY, 60 * DAY), self._open, charge)

    def _open(self, at: int, charge: History) -> None:
        if charge.state.refundable == 0:
            return
        rng = self._rng
        reason = rng.choices(_REASONS, _WEIGHTS)[0]
        is_inquiry = rng.random() < _INQUIRY
        dispute = self._disputes.open(at, charge, reason, is_inquiry)
        if is_inquiry and rng.random() < _ESCALATES:
            self._timeline.schedule(at + rng.randrange(3 * DAY, 30 * DAY), self._escalate, dispute, charge)
        else:
            self._proceed(at, dispute, charge)

    def _escalate(self, at: int, dispute: History, charge: History) -> None:
        if charge.state.amount_refunded:  # given back in the meantime: nothing is left to quarrel about
            self._disputes.close(at, dispute, charge, False)
            return
        self._disputes.escalate(at, dispute, charge)
        self._proceed(at, dispute, charge)

    def _proceed(self, at: int, dispute: History, charge: History) -> None:
        rng = self._rng
        if rng.random() < _ANSWERED:
            answered_at = at + rng.randrange(4 * HOUR, ANSWER_WITHIN - DAY)
            self._timeline.schedule(answered_at, self._answer, dispute)
            decided_at = answered_at + rng.randrange(15 * DAY, 70 * DAY)
            self._timeline.schedule(decided_at, self._close, dispute, charge, rng.random() < _WON)
        else:
            self._timeline.schedule(dispute.state.due_by + HOUR, self._close, dispute, charge, False)

    def _answer(self, at: int, dispute: History) -> None:
        self._disputes.answer(at, dispute)

    def _close(self, at: int, dispute: History, charge: History, is_won: bool) -> None:
        self._disputes.close(at, dispute, charge, is_won)
