"""The books of MRR in the reporting currency: what moved it, and what exchange rates did. From the state alone.

What was there as a day began is worth another amount as it ends when the rate changed: that is FX. A movement counts
at the rate of its own day. Where a rate is not known there is no amount, and none of a sum.
"""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from simulator.company import Company
from simulator.movements import KINDS, Move, Movements
from simulator.periods import DAY, month_spans
from simulator.rates import Rates

_NOTHING = Fraction(0)

_Amount = Fraction | None


class ReportingBooks:
    """`until` is exclusive everywhere, as in `Books`; months are UTC."""

    def __init__(self, company: Company, movements: Movements) -> None:
        self._company = company
        self._movements = movements

    def monthly(self, until: float) -> list[dict[str, Any]]:
        """One row a UTC month since the founding: fractions of minor units of the reporting currency in text, or None.

        opening + new + reactivation + expansion - contraction - churn - held + fx = closing.
        """
        rates = Rates(self._company, until)
        moves: dict[int, list[Move]] = defaultdict(list)
        for move in self._movements.moves(until):
            moves[move.day].append(move)
        mrr: dict[str, Fraction] = defaultdict(Fraction)
        rows = []
        for month, start, end in month_spans(self._company.founded, until):
            first, last = max(start, self._company.founded) // DAY, (min(end, int(until) + 1) - 1) // DAY
            row: dict[str, _Amount] = dict.fromkeys((*KINDS, "held", "fx"), _NOTHING)
            row["opening"] = _worth(mrr, rates, first - 1)
            for day in range(first, last + 1):
                for currency, amount in mrr.items():
                    row["fx"] = _plus(row["fx"], _revalued(amount, rates, currency, day))
                for move in moves[day]:
                    rate = rates.on(move.currency, day)
                    row["held"] = _plus(row["held"], _times(move.held, rate))
                    if move.kind is not None:
                        row[move.kind] = _plus(row[move.kind], _times(abs(move.amount), rate))
                    mrr[move.currency] += move.closing - move.opening
            row["closing"] = _worth(mrr, rates, last)
            amounts = {f"{name}_minor": _text(amount) for name, amount in row.items()}
            rows.append({"month": month, **amounts})
        return rows


def _worth(mrr: dict[str, Fraction], rates: Rates, day: int) -> _Amount:
    total: _Amount = _NOTHING
    for currency, amount in mrr.items():
        total = _plus(total, _times(amount, rates.on(currency, day)))
    return total


def _revalued(amount: Fraction, rates: Rates, currency: str, day: int) -> _Amount:
    before, after = rates.on(currency, day - 1), rates.on(currency, day)
    return _times(amount, None if before is None or after is None else after - before)


def _times(amount: Fraction, rate: _Amount) -> _Amount:
    """Nothing is nothing in any currency, also in one without a rate."""
    if not amount:
        return _NOTHING
    return None if rate is None else amount * rate


def _plus(total: _Amount, amount: _Amount) -> _Amount:
    return None if total is None or amount is None else total + amount


def _text(amount: _Amount) -> str | None:
    return None if amount is None else str(amount)
