"""The balance at Stripe: what each movement of money adds to it or takes from it, in which currency, after fees.

USD and EUR settle as they are, every other currency in USD at the rate of the day.
"""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from math import pi, sin
from random import Random
from typing import NamedTuple

from simulator.ledger import History, Ledger
from simulator.money_states import BalanceTransaction, Fee
from simulator.periods import DAY

SETTLED = ("usd", "eur")
DELAY = 2 * DAY  # from the day of a movement to the day on which it can be paid out

CONVERTED_INTO = "usd"
# About how many US cents one minor unit is worth: a yen, a thousandth of a dinar, a cent of the euro.
_USUAL_RATES = {"jpy": 0.67, "kwd": 0.325, "eur": 1.09}
_CHARGE_PER_MILLE, _CHARGE_FIXED, _CONVERSION_PER_MILLE = 29, 30, 10
_DISPUTE_FEE = 1500


class Movement(NamedTuple):
    """Why the balance moves: the transaction's `type` and `reporting_category`."""

    type: str
    reporting_category: str


CHARGE = Movement("charge", "charge")
REFUND = Movement("refund", "refund")
REFUND_FAILURE = Movement("refund_failure", "refund_failure")
DISPUTE = Movement("adjustment", "dispute")
DISPUTE_REVERSAL = Movement("adjustment", "dispute_reversal")
PAYOUT = Movement("payout", "payout")
PAYOUT_FAILURE = Movement("payout_failure", "payout_reversal")
TRANSFER = Movement("transfer", "transfer")
TRANSFER_REVERSAL = Movement("transfer_refund", "transfer_reversal")
STRIPE_FEE = Movement("stripe_fee", "fee")
ADJUSTMENT = Movement("adjustment", "other_adjustment")


class Settled(NamedTuple):
    """An amount in the currency in which the account keeps it; `rate` is None when it was not converted."""

    amount: int
    currency: str
    rate: Decimal | None


@lru_cache(maxsize=100_000)
def exchange_rate(currency: str, day: int) -> Decimal:
    """US cents for one minor unit of `currency` on the `day`-th day since 1970, with six significant digits.

    The same for every company, as on a market. Raises LookupError for a currency that is not exchanged here.
    """
    usual = _USUAL_RATES.get(currency)
    if usual is None:
        raise LookupError(f"no exchange rate of {currency}: it has to be one of {', '.join(_USUAL_RATES)}")
    swing = 0.04 * sin(2 * pi * day / 170) + Random(f"{currency}:{day}").uniform(-0.005, 0.005)
    return Decimal(f"{usual * (1 + swing):.6g}")


def settle(amount: int, currency: str, at: int) -> Settled:
    """What `amount`, negative for money that leaves, is in the settlement currency; halves away from zero."""
    if currency in SETTLED:
        return Settled(amount, currency, None)
    rate = exchange_rate(currency, at // DAY)
    return Settled(int((amount * rate).quantize(Decimal(1), ROUND_HALF_UP)), CONVERTED_INTO, rate)


class Balance:
    """Writes one stream's part of the balance transactions. No event ever tells of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def charge(self, at: int, charge: str, amount: int, currency: str, description: str) -> BalanceTransaction:
        """A payment less its fees: 2.9 % + 0.30, and 1 % more when it has to be converted."""
        settled = settle(amount, currency, at)
        fees = [Fee(_per_mille(settled.amount, _CHARGE_PER_MILLE) + _CHARGE_FIXED, "Stripe processing fees")]
        if settled.rate is not None:
            fees.append(Fee(_per_mille(settled.amount, _CONVERSION_PER_MILLE), "Stripe currency conversion fee"))
        return self._write(at, CHARGE, settled, charge, description, tuple(fees)).state

    def withdraw_dispute(self, at: int, dispute: str, charge: str, amount: int, currency: str) -> BalanceTransaction:
        """A disputed payment, taken back with a fee."""
        fees = (Fee(_DISPUTE_FEE, "Dispute fee"),)
        description = f"Chargeback withdrawal for {charge}"
        return self._write(at, DISPUTE, settle(-amount, currency, at), dispute, description, fees).state

    def move(
        self, at: int, movement: Movement, amount: int, currency: str, source: str | None, description: str | None
    ) -> History:
        """Any other movement: without a fee, negative when money leaves."""
        return self._write(at, movement, settle(amount, currency, at), source, description, ())

    def _write(
        self,
        at: int,
        movement: Movement,
        settled: Settled,
        source: str | None,
        description: str | None,
        fees: tuple[Fee, ...],
    ) -> History:
        ids = self._ledger.ids
        transaction = BalanceTransaction(
            id=ids.related("txn", source) if source is not None else ids.long("txn"),
            created=at,
            type=movement.type,
            reporting_category=movement.reporting_category,
            amount=settled.amount,
            currency=settled.currency,
            exchange_rate=settled.rate,
            fees=fees,
            available_on=at if movement is PAYOUT else at // DAY * DAY + DELAY,
            source=source,
            description=description,
        )
        return self._ledger.create("balance_transaction", transaction, at)


def _per_mille(amount: int, share: int) -> int:
    return (amount * share + 500) // 1000
