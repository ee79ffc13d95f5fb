"""What the account does by itself, whoever its customers are: daily payouts, monthly fees, transfers to a partner.

Whatever it does on a day depends only on movements of days before, so that every member of the company has been
lived far enough when it happens.
"""

from collections import defaultdict
from collections.abc import Iterable
from random import Random

from simulator.balance import (
    ADJUSTMENT,
    PAYOUT,
    PAYOUT_FAILURE,
    SETTLED,
    STRIPE_FEE,
    TRANSFER,
    TRANSFER_REVERSAL,
    Balance,
    Movement,
)
from simulator.ids import IdSource, account_id
from simulator.ledger import LAST_STREAM, History, Ledger
from simulator.money_states import BalanceTransaction, Payout, Transfer
from simulator.periods import DAY, HOUR, add_months, month_name, month_spans
from simulator.timeline import Timeline

STREAM = LAST_STREAM - 1

_SMALLEST_PAYOUT = 100
_PAYOUT_FAILS, _FAILS_AFTER_PAID = 0.03, 0.5
_FAILURES = ("account_closed", "could_not_process", "no_account")
_FEE_PER_CHARGE = 5  # cents
_PARTNER_SHARE = 4  # per cent of a month's charges in USD
_REVERSED_EVERY = 3  # months
_ADJUSTED_EVERY, _ADJUSTMENT = 3, -250  # months, cents


class Treasury:
    """The stream of the account's own movements of money."""

    def __init__(self, identity: int, founded: int) -> None:
        self.ledger = Ledger(STREAM, IdSource(identity, "treasury"))
        self._timeline = Timeline(self.ledger)
        self._balance = Balance(self.ledger)
        self._rng = Random(f"{identity}:treasury")
        self._partner = account_id(Random(f"{identity}:partner").getrandbits(63))
        self._banks = {currency: self.ledger.ids.long("ba") for currency in SETTLED}
        # By the day on which they become available, in each currency.
        self._unpaid: dict[str, dict[int, list[History]]] = {currency: defaultdict(list) for currency in SETTLED}
        self._charges: dict[str, list[int]] = defaultdict(list)  # amounts in USD by month
        today = founded // DAY * DAY
        for position, currency in enumerate(SETTLED):
            self._timeline.schedule(next_business_day(today) + HOUR + 60 * position, self._pay_out, currency)
        _, month_start, _ = next(month_spans(founded, founded + 1))
        self._timeline.schedule(add_months(month_start, 1) + 6 * HOUR, self._close_month, 1)

    def run(self, horizon: int, transactions: Iterable[History]) -> None:
        """Take in the members' new balance transactions, then act until `horizon`."""
        for history in transactions:
            self._deposit(history)
            state: BalanceTransaction = history.state
            if state.type == "charge" and state.currency == "usd":
                self._charges[month_name(state.created)].append(state.amount)
        self._timeline.run(horizon)

    # Payouts

    def _pay_out(self, at: int, currency: str) -> None:
        """Pay out all that is available by today and was not yet; a small or negative sum waits for the next day."""
        today = at // DAY * DAY
        tomorrow = next_business_day(today)
        self._timeline.schedule(tomorrow + at - today, self._pay_out, currency)
        unpaid = self._unpaid[currency]
        days = [day for day in unpaid if day <= today]
        amount = sum(history.state.net for day in days for history in unpaid[day])
        if amount < _SMALLEST_PAYOUT:
            return
        ready = [history for day in days for history in unpaid.pop(day)]
        ids = self.ledger.ids
        payout_id = ids.long("po")
        own = self._balance.move(at, PAYOUT, -amount, currency, payout_id, "STRIPE PAYOUT")
        for history in (*ready, own):
            self.ledger.update(history, at, payout=payout_id)
        payout = Payout(
            id=payout_id,
            created=at,
            amount=amount,
            currency=currency,
            status="pending",
            arrival_date=tomorrow,
            balance_transaction=own.id,
            destination=self._banks[currency],
            trace=ids.text(6).upper(),
        )
        history = self.ledger.create("payout", payout, at, "payout.created")
        self._timeline.schedule(at + 5 * HOUR, self._send, history)
        self._timeline.schedule(at + 7 * HOUR, self._reconcile, history)
        arrives_at = tomorrow + 9 * HOUR + self._rng.randrange(HOUR)
        if self._rng.random() >= _PAYOUT_FAILS:
            self._timeline.schedule(arrives_at, self._arrive, history)
        elif self._rng.random() >= _FAILS_AFTER_PAID:
            self._timeline.schedule(arrives_at, self._fail, history)
        else:  # the bank takes it and sends it back
            self._timeline.schedule(arrives_at, self._arrive, history)
            self._timeline.schedule(arrives_at + 2 * DAY, self._fail, history)

    def _send(self, at: int, payout: History) -> None:
        self.ledger.update(payout, at, "payout.updated", status="in_transit")

    def _reconcile(self, at: int, payout: History) -> None:
        self.ledger.update(payout, at, is_reconciled=True)
        self.ledger.emit("payout.reconciliation_completed", payout, at)

    def _arrive(self, at: int, payout: History) -> None:
        self.ledger.update(payout, at, status="paid")
        self.ledger.emit("payout.paid", payout, at)

    def _fail(self, at: int, payout: History) -> None:
        """The money is back in the balance, and goes out again with a later payout."""
        state: Payout = payout.state
        back = self._move(at, PAYOUT_FAILURE, state.amount, state.currency, state.id, "PAYOUT FAILURE")
        self.ledger.update(
            payout,
            at,
            status="failed",
            failure_code=self._rng.choice(_FAILURES),
            failure_balance_transaction=back.id,
        )
        self.ledger.emit("payout.failed", payout, at)

    # Once a month

    def _close_month(self, at: int, number: int) -> None:
        """On the first day: the fee for the month before, the partner's share of it, now and then a correction."""
        month_start = at // DAY * DAY
        self._timeline.schedule(add_months(month_start, 1) + 6 * HOUR, self._close_month, number + 1)
        name = month_name(month_start - 1)
        charges = self._charges.pop(name, [])
        if charges:
            fee = _FEE_PER_CHARGE * len(charges)
            self._move(at, STRIPE_FEE, -fee, "usd", None, f"Radar ({name}): screened payments")
        share = sum(charges) * _PARTNER_SHARE // 100
        if share >= _SMALLEST_PAYOUT:
            self._timeline.schedule(at + 4 * DAY, self._transfer, share, name, number % _REVERSED_EVERY == 0)
        if number % _ADJUSTED_EVERY == 0:
            self._timeline.schedule(at + 14 * DAY, self._adjust)

    def _transfer(self, at: int, amount: int, month: str, is_reversed: bool) -> None:
        request = self.ledger.request()
        ids = self.ledger.ids
        transfer_id = ids.long("tr")
        description = f"Partner's share of {month}"
        transfer = Transfer(
            id=transfer_id,
            created=at,
            amount=amount,
            currency="usd",
            destination=self._partner,
            destination_payment=ids.long("py"),
            balance_transaction=self._move(at, TRANSFER, -amount, "usd", transfer_id, description).id,
            transfer_group=f"partner-{month}",
            description=description,
        )
        history = self.ledger.create("transfer", transfer, at, "transfer.created", request)
        if is_reversed:
            self._timeline.schedule(at + 6 * DAY, self._reverse_transfer, history)

    def _reverse_transfer(self, at: int, transfer: History) -> None:
        """Half of it was too much."""
        request = self.ledger.request()
        amount = transfer.state.amount // 2
        reversal_id = self.ledger.ids.long("trr")
        back = self._move(at, TRANSFER_REVERSAL, amount, "usd", reversal_id, f"Reversal of {transfer.id}")
        self.ledger.update(transfer, at, reversals=((reversal_id, at, amount, back.id),))
        self.ledger.emit("transfer.reversed", transfer, at, request)

    def _adjust(self, at: int) -> None:
        self._move(at, ADJUSTMENT, _ADJUSTMENT, "usd", None, "Correction of fees")

    def _move(
        self, at: int, movement: Movement, amount: int, currency: str, source: str | None, description: str
    ) -> History:
        history = self._balance.move(at, movement, amount, currency, source, description)
        self._deposit(history)
        return history

    def _deposit(self, history: History) -> None:
        state: BalanceTransaction = history.state
        self._unpaid[state.currency][state.available_on].append(history)


def next_business_day(day: int) -> int:
    """The first second of the next day that is no Saturday or Sunday; `day` is the first second of a day."""
    following = day + DAY
    while (following // DAY + 3) % 7 >= 5:  # 1970 began on a Thursday
        following += DAY
    return following
